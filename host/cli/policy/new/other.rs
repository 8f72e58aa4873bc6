//! The folders of policies in languages other than Rust. Each has the policy, a model, tests that
//! compare the two, and what turns the one call of the contract into calls of the policy.

use super::like::Like;
use super::template::{File, Page};

macro_rules! files {
    ($folder:literal: $($file:literal)*) => {
        &[$(($file, include_str!(concat!("template/", $folder, "/", $file)))),*]
    };
}

/// Files of the same names for each [`Like`]: a policy and its model.
macro_rules! likes {
    ($folder:literal: $policy:literal $model:literal) => {
        Likes {
            lru: likes!($folder, "lru": $policy $model),
            sieve: likes!($folder, "sieve": $policy $model),
            blank: likes!($folder, "blank": $policy $model),
        }
    };
    ($folder:literal, $like:literal: $policy:literal $model:literal) => {
        [
            ($policy, include_str!(concat!("template/", $folder, "/", $like, "/", $policy))),
            ($model, include_str!(concat!("template/", $folder, "/", $like, "/", $model))),
        ]
    };
}

/// A path, and the text that goes there.
type Text = (&'static str, &'static str);

/// The folders of one language.
pub(super) struct Folder {
    /// What all of them have.
    frame: &'static [Text],
    likes: Likes,
    page: Page,
}

/// The policy, and the model that its tests compare it with, for each [`Like`].
struct Likes {
    lru: [Text; 2],
    sieve: [Text; 2],
    blank: [Text; 2],
}

impl Folder {
    /// The files of a folder, and what its README says.
    pub(super) fn parts(&'static self, like: Like) -> (Vec<File>, &'static Page) {
        let own = match like {
            Like::Lru => &self.likes.lru,
            Like::Sieve => &self.likes.sieve,
            Like::Blank => &self.likes.blank,
        };
        let files = self.frame.iter().chain(own);
        let file = |(path, text): &Text| ((*path).to_owned(), (*text).to_owned());
        (files.map(file).collect(), &self.page)
    }
}

pub(super) static GO: Folder = Folder {
    frame: files!("go": "go.mod" "policy_test.go" "queue.go" "contract.go" "abi_wasm.go"),
    likes: likes!("go": "policy.go" "model_test.go"),
    page: Page {
        policy: "policy.go",
        tests: "policy_test.go",
        commands: "go test                                               # against a model, natively",
        tools: "Go 1.24 or later is all that is needed: `psycache policy build` runs it with \
            `GOOS=wasip1`.",
        configure: "newPolicy",
        hints: "An entry that is overwritten is a `touch`, unless the policy has a method \
            `overwrite(slot uint32, e entry)`.\n\nKeep state by slot, in slices that grow; \
            `queue` keeps slots in an order.",
        files: "| `policy.go`, `model_test.go`, `policy_test.go`, `queue.go` | the policy, the model of its rule, the tests: yours to change |\n\
            | `contract.go`, `abi_wasm.go` | the way from the node's calls to the policy |",
    },
};

pub(super) static JAVASCRIPT: Folder = Folder {
    frame: files!("javascript": "package.json" "policy.test.js" "queue.js" "contract.js" "abi.js"),
    likes: likes!("javascript": "policy.js" "model.js"),
    page: Page {
        policy: "policy.js",
        tests: "policy.test.js",
        commands: "npm install                                           # brings what builds it\n\
               npm test                                              # against a model, by Node.js",
        tools: "Node.js 20 or later is needed, and `npm install` once: it brings componentize-qjs, which \
            puts the policy and\na small engine, QuickJS, into one component.",
        configure: "constructor",
        hints: "An entry that is overwritten is a `touch`, unless the policy has a method \
            `overwrite(slot, entry)`.\n\nKeep state by slot, in typed arrays that `longer` makes longer; `Queue` keeps slots in an order. \
            A `Map` and a\n`Set` of QuickJS slow down when entries come and go.",
        files: "| `policy.js`, `model.js`, `policy.test.js`, `queue.js` | the policy, the model of its rule, the tests: yours to change |\n\
            | `contract.js`, `abi.js` | the way from the node's calls to the policy |",
    },
};

pub(super) static PYTHON: Folder = Folder {
    frame: files!("python": "test_policy.py" "slot_queue.py" "contract.py" "abi.py"),
    likes: likes!("python": "policy.py" "model.py"),
    page: Page {
        policy: "policy.py",
        tests: "test_policy.py",
        commands: "python3 -m venv .venv                                 # for what builds it\n\
               .venv/bin/pip install componentize-py==0.25.1\n\
               python3 -m unittest                                   # against a model, natively",
        tools: "Python 3.10 or later is needed, and componentize-py, which puts the policy and the \
            interpreter into one component.\nBuilding takes ten seconds, and so does loading it \
            for the first time.",
        configure: "__init__",
        hints: "An entry that is overwritten is a `touch`, unless the policy has a method \
            `overwrite(self, slot, entry)`.\n\nKeep state in arrays by slot that `grow` makes longer; \
            `SlotQueue` keeps slots in an order. A `dict` of a million entries takes too long when it \
            grows.",
        files: "| `policy.py`, `model.py`, `test_policy.py`, `slot_queue.py` | the policy, the model of its rule, the tests: yours to change |\n\
            | `contract.py`, `abi.py` | the way from the node's calls to the policy |",
    },
};

pub(super) static ZIG: Folder = Folder {
    frame: files!("zig": "policy_test.zig" "queue.zig" "contract.zig" "abi.zig"),
    likes: likes!("zig": "policy.zig" "model.zig"),
    page: Page {
        policy: "policy.zig",
        tests: "policy_test.zig",
        commands: "zig test policy_test.zig                              # against a model, natively",
        tools: "Zig 0.17 is all that is needed. `pip install ziglang==0.17.1` brings it too; it is called \
            `python-zig` then.",
        configure: "configure",
        hints: "An entry that is overwritten is a `touch`, unless the policy has a function \
            `overwrite`.\n\nKeep state by slot, in slices that `contract.grow` makes longer; \
            `Queue` keeps slots in an order.",
        files: "| `policy.zig`, `model.zig`, `policy_test.zig`, `queue.zig` | the policy, the model of its rule, the tests: yours to change |\n\
            | `contract.zig`, `abi.zig` | the way from the node's calls to the policy |",
    },
};

pub(super) static C: Folder = Folder {
    frame: files!("c": "policy_test.c" "queue.h" "policy.h" "support.h" "support.c" "contract.h" "contract.c" "memory.h" "memory.c" "abi.c"),
    likes: likes!("c": "policy.c" "model.h"),
    page: Page {
        policy: "policy.c",
        tests: "policy_test.c",
        commands: "cc -o policy_test policy_test.c && ./policy_test      # against a model, natively",
        tools: "The C compiler of Zig builds it (`pip install ziglang==0.17.1`), or clang with lld does. \
            No C library is needed,\nand there is none in the component.",
        configure: "configure",
        hints: "`remove_entry` stands for `remove`, a name that the C library has already. An entry that is \
            overwritten is\nan `overwrite`, which counts as a use.\n\nKeep state by slot, in arrays \
            that `grow` makes longer; `queue.h` keeps slots in an order.",
        files: "| `policy.c`, `model.h`, `policy_test.c`, `queue.h` | the policy, the model of its rule, the tests: yours to change |\n\
            | `policy.h`, `support.*` | what a policy is, and what it is built with |\n\
            | `abi.c`, `contract.*`, `memory.*` | the way from the node's calls to the policy |",
    },
};
