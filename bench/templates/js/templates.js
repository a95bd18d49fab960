// `templates.js` lists the cases, `show ENGINE PAGE` prints a page, `time ENGINE PAGE MS` says how
// many renders took how many nanoseconds of processor time: that of the whole process, so that
// compiling and collecting garbage beside the program counts.
import { readFileSync } from "node:fs";
import dot from "dot";
import ejs from "ejs";
import { Eta } from "eta";
import handlebars from "handlebars";
import pug from "pug";

const data = {
  table: {
    table: Array.from({ length: 1000 }, (_, row) => Array.from({ length: 8 }, (_, cell) => row * 8 + cell + 1)),
  },
  teams: {
    year: 2015,
    teams: [
      { name: "Jiangsu", score: 43 },
      { name: "Beijing", score: 27 },
      { name: "Guangzhou", score: 22 },
      { name: "Shandong", score: 12 },
    ],
  },
};

const source = (page, extension) => readFileSync(new URL(`../pages/${page}.${extension}`, import.meta.url), "utf8");

// Each gives a function that renders the page of its data, escaped.
const engines = {
  ejs: (page) => {
    const render = ejs.compile(source(page, "ejs"), { localsName: "it", strict: true, _with: false });
    return () => render(data[page]);
  },
  eta: (page) => {
    const eta = new Eta({ autoTrim: false });
    const render = eta.compile(source(page, "ejs")).bind(eta);
    return () => render(data[page]);
  },
  dot: (page) => {
    const settings = { ...dot.templateSettings, strip: false, encode: /\{\{!([\s\S]+?)\}\}/g };
    const render = dot.template(source(page, "dot"), settings);
    return () => render(data[page]);
  },
  pug: (page) => {
    const render = pug.compile(source(page, "pug"));
    return () => render(data[page]);
  },
  handlebars: (page) => {
    const render = handlebars.compile(source(page, "hbs"), { knownHelpersOnly: true });
    return () => render(data[page]);
  },
};

const [action, engine, page, ms] = process.argv.slice(2);
if (action === "show") {
  process.stdout.write(engines[engine](page)());
} else if (action === "time") {
  const render = engines[engine](page);
  // Twice as long as the programs in Rust warm up: there is more to become warm.
  time(render, Number(ms) * 1000);
  const [renders, us] = time(render, Number(ms) * 1000);
  console.log(renders, us * 1000);
} else {
  for (const name of Object.keys(engines)) {
    for (const page of Object.keys(data)) console.log(name, page);
  }
}

function time(render, usWanted) {
  const start = process.cpuUsage();
  let [renders, batch, length] = [0, 1, 0];
  for (;;) {
    // Text that was put together is parts until somebody wants all of it, as a socket would.
    for (let at = 0; at < batch; at++) length += Buffer.byteLength(render());
    renders += batch;
    const { user, system } = process.cpuUsage(start);
    const us = user + system;
    if (us >= usWanted) {
      if (length === 0) throw new Error("empty pages");
      return [renders, us];
    }
    if (us < usWanted / 64) batch *= 2;
  }
}
