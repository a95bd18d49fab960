// Bun.serve with its own router.
'use strict';
const common = require('./common.js');

const text = { headers: { 'Content-Type': common.text } };
const html = { headers: { 'Content-Type': common.html } };
const bytes = { headers: { 'Content-Type': common.bytes } };
const json = { headers: { 'Content-Type': common.json } };
const pass = (next) => (req, server) => next(req, server);
const another = () => new Response('another', text);

const routes = {};
for (const route of common.routesBefore) routes[route] = another;
Object.assign(routes, {
  '/plaintext': () => new Response(common.hello, text),
  '/html': () => new Response(common.page(), html),
  '/users/:id/books/:title': (req) =>
    new Response(`user ${req.params.id} book ${req.params.title}`, text),
  '/json': { POST: async (req) => Response.json(await req.json(), json) },
  '/upload': {
    POST: async (req) => {
      let count = 0;
      for await (const chunk of req.body) count += chunk.length;
      return new Response(String(count), text);
    },
  },
  '/block': () => new Response(common.block, bytes),
  '/middleware': pass(pass(pass(() => new Response(common.hello, text)))),
});
for (const route of common.routesAfter) routes[route] = another;

Bun.serve({
  port: common.listen.port,
  hostname: common.listen.host,
  idleTimeout: common.keepAliveSeconds,
  development: false,
  routes,
  fetch: () => new Response('no such route', { status: 404 }),
});
