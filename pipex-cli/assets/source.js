// Where the data are from: in a report from the page itself, else from `pipex ui`.

const data = JSON.parse(document.getElementById("data").textContent);

export const isLive = data.live;
export const canWrite = Boolean(data.token);
export const reportedRun = data.run;

/// `null` if a report does not have it.
export async function ask(name, parameters = {}) {
  if (!isLive) return (name === "content" ? data.contents[parameters.target] : name === "logged" ? data.logged[parameters.target] : data[name]) ?? null;
  const response = await fetch(`/api/${name}?${new URLSearchParams(parameters)}`);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

export async function change(name, body) {
  const headers = { "content-type": "application/json", "x-pipex-token": data.token };
  const response = await fetch(`/api/change/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/// The address of a picture that is an output.
export const pictureOf = (target) => `/api/picture?${new URLSearchParams({ target })}`;

/// Has it called what happens in a run, from its start, and which runs there are whenever some have begun or ended, as long as
/// the page is seen. Gives what ends that. The browser connects again by itself, and says how far it has got.
export function follow(run, listener) {
  if (!isLive) {
    listener.updates(data.updates);
    listener.over();
    listener.connection("");
    return () => {};
  }
  let events = null;
  let after = 0;
  const close = () => { events?.close(); events = null; };
  const connect = () => {
    events = new EventSource(`/api/events?${new URLSearchParams(run ? { run, after } : {})}`);
    events.onmessage = (event) => { after = event.lastEventId; listener.updates(JSON.parse(event.data)); };
    events.addEventListener("runs", (event) => listener.runs(JSON.parse(event.data)));
    events.addEventListener("over", () => listener.over());
    events.onopen = () => listener.connection("live");
    events.onerror = () =>
      listener.connection(events?.readyState === EventSource.CLOSED ? "not connected: open what pipex ui printed" : "connecting");
  };
  const look = () => (document.hidden ? close() : events ?? connect());
  document.addEventListener("visibilitychange", look);
  look();
  return () => { document.removeEventListener("visibilitychange", look); close(); };
}
