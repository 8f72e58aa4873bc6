//! TLS to the source of a retriever, which moves the bytes by itself.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::WasiView;

use super::state::RetrieverState;
use crate::plugin::contract::{TLS, Turned};
use crate::tls::{Session, trust_of_system};

type Store<'a> = StoreContextMut<'a, RetrieverState>;

/// The most sessions of one instance at a time. Each has buffers of the node's.
const MOST_SESSIONS: u32 = 16;

/// Offers it. This reads what the system trusts, and may block.
pub(super) fn offer(linker: &mut Linker<RetrieverState>) -> wasmtime::Result<()> {
    let system = trust_of_system();
    let mut interface = linker.instance(TLS)?;
    let drop = |mut store: Store<'_>, session: u32| {
        let state = store.data_mut();
        state.ctx().table.delete::<Session>(Resource::new_own(session))?;
        state.tls_sessions -= 1;
        Ok(())
    };
    interface.resource("session", ResourceType::host::<Session>(), drop)?;
    interface.func_wrap(
        "[static]session.begin",
        move |mut store: Store<'_>, (host, authorities): (String, Option<String>)| {
            let state = store.data_mut();
            if state.tls_sessions == MOST_SESSIONS {
                let problem = format!("a retriever has at most {MOST_SESSIONS} sessions of TLS");
                return Ok((Err(problem),));
            }
            let begun = Session::begin(&host, authorities.as_deref(), &system);
            let begun: Result<Resource<Session>, String> = match begun {
                Ok(session) => Ok(state.ctx().table.push(session)?),
                Err(problem) => Err(problem),
            };
            state.tls_sessions += u32::from(begun.is_ok());
            Ok((begun,))
        },
    )?;
    interface.func_wrap(
        "[method]session.turn",
        |mut store: Store<'_>, (session, received, say): (Resource<Session>, Vec<u8>, Vec<u8>)| {
            let session = store.data_mut().ctx().table.get_mut(&session)?;
            let turned = session.turn(&received, &say).map(|turned| Turned {
                to_network: turned.to_network,
                clear: turned.clear,
                established: turned.established,
                closed: turned.closed,
            });
            Ok((turned,))
        },
    )
}
