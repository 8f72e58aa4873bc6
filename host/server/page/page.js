// Asks for the page every ten seconds, and puts in what has changed. Without this script the
// page shows the same when it is reloaded.
"use strict";
const place = document.getElementById("updates");
const label = document.createElement("label");
const updates = document.createElement("input");
updates.type = "checkbox";
updates.checked = true;
label.append(updates, " Update every 10 seconds");
const news = document.createElement("span");
place.append(label, news);

function put(found) {
  for (const now of document.querySelectorAll("[data-live]")) {
    const next = found.getElementById(now.id);
    // What the reader works with stays as it is: the focus would be lost.
    if (!next || now.contains(document.activeElement)) continue;
    for (const open of now.querySelectorAll("details[open]")) {
      const same = found.getElementById(open.id);
      if (same) same.open = true;
    }
    if (now.innerHTML !== next.innerHTML) now.replaceWith(document.adoptNode(next));
  }
}

async function update() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    news.textContent = "";
  } catch {
    news.textContent = " – the node does not answer; this is tried again";
  }
}

setInterval(() => { if (updates.checked && !document.hidden) update(); }, 10000);
