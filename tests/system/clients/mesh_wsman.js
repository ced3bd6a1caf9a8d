// Runs the WS-Man modules inside the npm package `meshcentral`, unmodified, against HOST:PORT.
//
//   node mesh_wsman.js PACKAGE HOST PORT [--tls] [--user U] [--pass P] [--seconds N] [--power STATE] CLASS...
//
// Asks for the classes in one batch (a name with * is read with Get, others are enumerated), then for a power state. One
// line of JSON: {"status": 200, "responses": {CLASS: STATUS...}, "power": ReturnValue, "hostname": ...}. Exit: 0 every
// class was answered; 1 not; 2 wrong usage; 4 authentication failed; 9 time is up.
'use strict';
const path = require('path');

const opt = { user: 'admin', pass: 'P@ssw0rd1!', seconds: 20 };
const words = [];
for (let i = 2; i < process.argv.length; i++) {
  const a = process.argv[i];
  if (a === '--tls') opt.tls = true;
  else if (a.startsWith('--')) opt[a.slice(2)] = process.argv[++i];
  else words.push(a);
}
const [packageDir, host, port, ...classes] = words;
if (classes.length === 0) {
  console.error('usage: mesh_wsman.js PACKAGE HOST PORT [options] CLASS...');
  process.exit(2);
}
const need = (name) => require(path.resolve(packageDir, 'amt', name));
setTimeout(() => { console.error('time is up'); process.exit(9); }, opt.seconds * 1000);

const comm = need('amt-wsman-comm.js')(host, Number(port), opt.user, opt.pass, opt.tls ? 1 : 0,
                                       { ciphers: 'ALL', rejectUnauthorized: false }, null);
comm.xtlsFingerprint = 0;  // any certificate, as its server has it before the first contact
const stack = need('amt.js')(need('amt-wsman.js')(comm));
const out = {};
const finish = (code) => { console.log(JSON.stringify(out)); process.exit(code); };

stack.BatchEnum('', classes, (s, name, responses, status) => {
  out.status = status;
  out.responses = {};
  for (const c of Object.keys(responses || {})) out.responses[c] = responses[c].status;
  const general = responses && responses.AMT_GeneralSettings;
  if (general && general.response) out.hostname = general.response.HostName;
  if (status === 401) finish(4);
  if (Object.keys(out.responses).length !== classes.length) finish(1);
  if (!opt.power) finish(0);
  stack.RequestPowerStateChange(Number(opt.power), (st, n, response, xstatus) => {
    out.power = response && response.Body ? response.Body.ReturnValue : xstatus;
    finish(xstatus === 200 ? 0 : 1);
  });
}, null, true);
