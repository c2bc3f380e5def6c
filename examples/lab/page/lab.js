"use strict";

const at = (id) => document.getElementById(id);

// say tells what came of a button, also to those who do not see it.
function say(text) {
	const error = at("error");
	error.textContent = text;
	error.hidden = text === "";
}

async function send(method, path, body) {
	say("");
	const reply = await fetch(path, { method, body, headers: body ? { "Content-Type": "application/json" } : {} });
	if (!reply.ok) {
		say((await reply.text()).trim());
	}
	return reply.ok;
}

function set(node, text) {
	if (node && node.textContent !== text) {
		node.textContent = text;
	}
}

let shownStatus = "";

function show(view) {
	const status = view.running ? "Running" : view.started ? "Stopped" : "Not running";
	if (status !== shownStatus) {
		shownStatus = status;
		set(at("status"), status);
		at("start").textContent = view.running ? "Start over" : "Start a run";
		at("stop").disabled = !view.running;
	}
	set(at("verdict"), view.verdict);
	at("verdict").classList.toggle("broken", !view.kept);
	set(at("elapsed"), view.elapsed);
	set(at("writes"), view.writes || "0");
	set(at("replicas"), view.replicas);
	if (view.error) {
		say(view.error);
	}
	const notices = (view.notices || []).join("\n");
	if (at("notices").dataset.shown !== notices) {
		at("notices").dataset.shown = notices;
		at("notices").replaceChildren(...(view.notices || []).map((text) => {
			const item = document.createElement("li");
			item.textContent = text;
			return item;
		}));
	}
	for (const lane of view.lanes) {
		for (const place of document.querySelectorAll(`[data-lane="${lane.key}"]`)) {
			for (const node of place.querySelectorAll("[data-n]")) {
				set(node, lane.numbers[node.dataset.n]);
			}
			const bar = place.querySelector("[data-bar]");
			if (bar) {
				bar.innerHTML = lane.bar;
			}
			for (const figure of place.querySelectorAll("[data-chart]")) {
				const chart = lane.charts[figure.dataset.chart];
				set(figure.querySelector("[data-now]"), chart.now);
				set(figure.querySelector("[data-top]"), chart.top);
				figure.querySelector("[data-svg]").innerHTML = chart.svg;
			}
		}
	}
	explain(view);
}

// The explanation is fetched when there is one, and again when it has changed.
let explained = "";
let chosen = false;

async function explain(view) {
	const choice = at("story");
	if (!chosen && !view.lanes.some((lane) => lane.key === choice.value && lane.explained > 0)) {
		const first = ["delete", ...view.lanes.map((lane) => lane.key)].find((key) =>
			view.lanes.some((lane) => lane.key === key && lane.explained > 0) && choice.querySelector(`[value="${key}"]`));
		if (first) {
			choice.value = first;
		}
	}
	const lane = view.lanes.find((one) => one.key === choice.value);
	const mark = lane && view.started ? `${lane.key} ${lane.explained}` : "";
	if (!lane || mark === "" || mark === explained) {
		return;
	}
	explained = mark;
	const reply = await fetch(`/explanation/${lane.key}`);
	if (reply.ok) {
		at("explanation").innerHTML = await reply.text();
	}
}

at("story").addEventListener("change", () => { chosen = true; });

at("start").addEventListener("click", async () => {
	at("start").disabled = true;
	explained = "";
	await send("POST", "/run");
	at("start").disabled = false;
});
at("stop").addEventListener("click", () => send("DELETE", "/run"));

const waiting = {};
for (const input of document.querySelectorAll("#controls input")) {
	input.addEventListener("input", () => {
		set(at(`o-${input.name}`), input.value);
		clearTimeout(waiting[input.name]);
		waiting[input.name] = setTimeout(() => send("POST", "/controls", JSON.stringify({ [input.name]: Number(input.value) })), 120);
	});
}
at("controls").addEventListener("submit", (event) => event.preventDefault());

for (const button of document.querySelectorAll("[data-fault]")) {
	button.addEventListener("click", async () => {
		button.setAttribute("aria-busy", "true");
		const replica = at("replica");
		const query = "replica" in button.dataset && replica ? `?replica=${replica.value}` : "";
		await send("POST", `/faults/${button.dataset.fault}${query}`);
		button.removeAttribute("aria-busy");
	});
}

// The browser connects again by itself when the lab has gone away.
const source = new EventSource("/events");
source.onmessage = (event) => show(JSON.parse(event.data));
source.onerror = () => {
	shownStatus = "";
	set(at("status"), "No connection to the lab");
};
