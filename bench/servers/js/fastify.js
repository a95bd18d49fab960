// fastify.
'use strict';
const common = require('./common.js');
const app = require('fastify')({ keepAliveTimeout: common.keepAliveSeconds * 1000 });

const pass = (req, reply, done) => done();
const another = (req, reply) => { reply.type(common.text).send('another'); };

for (const route of common.routesBefore) app.get(route, another);
app.get('/plaintext', (req, reply) => { reply.type(common.text).send(common.hello); });
app.get('/html', (req, reply) => { reply.type(common.html).send(common.page()); });
app.get('/users/:id/books/:title', (req, reply) => {
  reply.type(common.text).send(`user ${req.params.id} book ${req.params.title}`);
});
app.post('/json', (req, reply) => { reply.send(req.body); });
// The body is left as a stream.
app.addContentTypeParser(common.bytes, (req, body, done) => done(null, body));
app.post('/upload', (req, reply) => {
  common.count(req.body, (count) => { reply.type(common.text).send(count); });
});
app.get('/block', (req, reply) => { reply.type(common.bytes).send(common.block); });
app.get('/middleware', { onRequest: [pass, pass, pass] }, (req, reply) => {
  reply.type(common.text).send(common.hello);
});
for (const route of common.routesAfter) app.get(route, another);
app.listen(common.listen);
