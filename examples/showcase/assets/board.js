// Adds, edits and deletes notes without leaving the page. Without this file the form still posts.
// The newest note stands first, here and in what the server renders.
"use strict";

const list = document.getElementById("notes");
const compose = document.getElementById("compose");
const problem = document.getElementById("problem");
const status = document.getElementById("status");

document.documentElement.classList.add("js");

// Talks to the API. Resolves with the parsed answer, or rejects with a message for people.
async function call(method, path, value) {
  const options = { method, headers: { accept: "application/json" } };
  if (value !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(value);
  }
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Error("The server cannot be reached. Nothing was changed.");
  }
  const answer = await reply.json().catch(() => null);
  if (!reply.ok) {
    throw new Error(answer?.detail || answer?.title || `The server answered ${reply.status}.`);
  }
  return answer;
}

// Makes a list item from the same markup that the server fills in.
function render(note) {
  const item = document.getElementById("note").content.querySelector("li").cloneNode(true);
  item.className = `note ${note.color}`;
  item.dataset.id = note.id;
  show(item, note);
  return item;
}

function show(item, note) {
  item.dataset.color = note.color;
  item.querySelector(".text").textContent = note.text;
  item.querySelector(".author").textContent = note.author;
  item.querySelector("time").dateTime = note.created;
  polish(item);
}

// What a note needs on top of its markup: a readable time, and names for its buttons.
function polish(item) {
  const time = item.querySelector("time");
  const date = new Date(time.dateTime);
  if (!Number.isNaN(date.getTime())) {
    time.textContent = date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  }
  const author = item.querySelector(".author").textContent;
  item.querySelector(".edit").setAttribute("aria-label", `Edit the note by ${author}`);
  item.querySelector(".delete").setAttribute("aria-label", `Delete the note by ${author}`);
}

function read(item) {
  return {
    text: item.querySelector(".text").textContent,
    author: item.querySelector(".author").textContent,
    color: item.dataset.color,
  };
}

function recount() {
  document.getElementById("count").textContent = list.children.length;
}

let quiet;

// Says what has happened, for a while, with a button to take it back where there is one.
function say(message, undo) {
  clearTimeout(quiet);
  status.replaceChildren(message);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Undo";
    button.addEventListener("click", undo, { once: true });
    status.append(button);
  }
  quiet = setTimeout(hush, undo ? 10000 : 5000);
}

// Nothing disappears under someone's finger or focus.
function hush() {
  if (status.matches(":hover, :focus-within")) {
    quiet = setTimeout(hush, 2000);
  } else {
    status.replaceChildren();
  }
}

async function add(event) {
  event.preventDefault();
  problem.textContent = "";
  const button = compose.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const value = Object.fromEntries(new FormData(compose));
    list.prepend(render(await call("POST", "/api/notes", value)));
    recount();
    say("Note pinned.");
    compose.elements.text.value = "";
  } catch (error) {
    problem.textContent = error.message;
  } finally {
    button.disabled = false;
    compose.elements.text.focus();
  }
}

function edit(item) {
  const note = read(item);
  status.replaceChildren();
  const form = document.createElement("form");
  const field = document.createElement("textarea");
  field.value = note.text;
  field.maxLength = 500;
  field.required = true;
  field.setAttribute("aria-label", `Text of the note by ${note.author}`);
  const alert = document.createElement("p");
  alert.className = "problem";
  alert.setAttribute("role", "alert");
  const actions = document.createElement("p");
  actions.className = "actions";
  const save = document.createElement("button");
  save.className = "primary";
  save.textContent = "Save";
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.textContent = "Cancel";
  actions.append(save, cancel);
  form.append(field, alert, actions);
  item.classList.add("editing");
  item.append(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);

  const close = () => {
    form.remove();
    item.classList.remove("editing");
    item.querySelector(".edit").focus();
  };
  cancel.addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    alert.textContent = "";
    save.disabled = true;
    try {
      const value = { ...note, text: field.value };
      show(item, await call("PUT", `/api/notes/${item.dataset.id}`, value));
      close();
      say("Note saved.");
    } catch (error) {
      alert.textContent = error.message;
      save.disabled = false;
      field.focus();
    }
  });
}

async function remove(item) {
  const note = read(item);
  const button = item.querySelector(".delete");
  button.disabled = true;
  try {
    await call("DELETE", `/api/notes/${item.dataset.id}`);
  } catch (error) {
    button.disabled = false;
    say(error.message);
    return;
  }
  const next = item.nextElementSibling;
  const neighbour = next || item.previousElementSibling;
  item.remove();
  recount();
  // The focus was on a button that is gone: the neighbour's takes over.
  (neighbour?.querySelector(".delete") || list).focus();
  say("Note deleted.", async () => {
    try {
      const back = render(await call("POST", "/api/notes", note));
      list.insertBefore(back, next?.isConnected ? next : null);
      recount();
      say("Note restored.");
      back.querySelector(".edit").focus();
    } catch (error) {
      say(error.message);
    }
  });
}

list.addEventListener("click", (event) => {
  const item = event.target.closest(".note");
  if (event.target.matches(".edit")) {
    edit(item);
  } else if (event.target.matches(".delete")) {
    remove(item);
  }
});
compose.addEventListener("submit", add);
list.querySelectorAll(".note").forEach(polish);
