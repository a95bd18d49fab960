// express, without its header about itself and without entity tags, which the other servers do not compute.
'use strict';
const express = require('express');
const common = require('./common.js');

const app = express();
app.disable('x-powered-by');
app.disable('etag');
const pass = (req, res, next) => next();
const another = (req, res) => { res.type('text').send('another'); };

for (const route of common.routesBefore) app.get(route, another);
app.get('/plaintext', (req, res) => { res.type('text').send(common.hello); });
app.get('/html', (req, res) => { res.type('html').send(common.page()); });
app.get('/users/:id/books/:title', (req, res) => {
  res.type('text').send(`user ${req.params.id} book ${req.params.title}`);
});
app.post('/json', express.json(), (req, res) => { res.json(req.body); });
app.post('/upload', (req, res) => {
  common.count(req, (count) => { res.type('text').send(count); });
});
app.get('/block', (req, res) => { res.type(common.bytes).send(common.block); });
app.get('/middleware', pass, pass, pass, (req, res) => { res.type('text').send(common.hello); });
for (const route of common.routesAfter) app.get(route, another);

const server = app.listen(common.listen);
server.keepAliveTimeout = common.keepAliveSeconds * 1000;
