// What all servers in JavaScript have in common; the same as `../common/src/lib.rs`.
// Each is started as `SERVER PORT OTHER_ROUTES WORKERS`, with one worker.
'use strict';

const [port, routes, workers] = process.argv.slice(2).map(Number);
if (workers !== 1) throw new Error('these servers have one worker');

exports.listen = { port, host: '127.0.0.1', backlog: 4096 };
exports.keepAliveSeconds = 60;

exports.hello = 'Hello, World!';
exports.text = 'text/plain; charset=utf-8';
exports.html = 'text/html; charset=utf-8';
exports.json = 'application/json';
exports.bytes = 'application/octet-stream';

// A small page with the time in it, so that no server can keep the reply.
exports.page = () =>
  '<!DOCTYPE html><html><head><title>Time</title></head>' +
  `<body><h1>Hello</h1><p>Now: ${Date.now()}</p></body></html>`;

// 1 MiB.
exports.block = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (index * 31) % 251));

// By turns without and with a parameter. One half is registered before the measured routes and one after
// them, so that the order favours no way of looking up.
const other = (number) =>
  number % 2 === 0
    ? `/api/v${number % 4}/resource${number}/list`
    : `/api/v${number % 4}/resource${number}/item/:id`;
const all = Array.from({ length: routes }, (_, number) => other(number));
exports.routesBefore = all.slice(0, routes >> 1);
exports.routesAfter = all.slice(routes >> 1);

// Counts the body of a request of node without keeping it.
exports.count = (req, done) => {
  let count = 0;
  req.on('data', (chunk) => { count += chunk.length; });
  req.on('end', () => done(String(count)));
};
