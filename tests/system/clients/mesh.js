// Runs the redirection clients inside the npm package `meshcentral`, unmodified, against HOST:PORT.
//
//   node mesh.js PACKAGE sol  HOST PORT [--send TEXT] [--expect REGEX] ...
//   node mesh.js PACKAGE kvm  HOST PORT [--out FILE.ppm] [--key CODE]... [--linger S] ...
//   node mesh.js PACKAGE ider HOST PORT [--cd FILE] [--floppy FILE] ...
//   common: [--tls] [--user U] [--pass P] [--seconds N] [--trace]
//
// PACKAGE is the unpacked package's folder. SOL and KVM use the browser's modules (public/scripts), run in a context
// that has just enough of a browser: a WebSocket that is really a TCP or TLS connection, as the server's relay makes
// it, and a canvas that keeps pixels. IDE-R uses the server's own modules (amt/).
//
// One line of JSON per happening on standard output: {"event": "start", "status": 0}, "auth", "state", "data", "screen",
// "read", "closed" ... Exit: 0 what was asked for was seen; 1 the device said no, or closed; 2 wrong usage; 3 cannot
// connect; 4 authentication failed; 9 time is up.
'use strict';
const fs = require('fs');
const net = require('net');
const tls = require('tls');
const path = require('path');
const vm = require('vm');
const crypto = require('crypto');
const constants = require('constants');

const opt = { user: 'admin', pass: 'P@ssw0rd1!', seconds: 20, linger: 0, keys: [] };
const words = [];
for (let i = 2; i < process.argv.length; i++) {
  const a = process.argv[i];
  if (a === '--tls' || a === '--trace') opt[a.slice(2)] = true;
  else if (a === '--key') opt.keys.push(process.argv[++i]);
  else if (a.startsWith('--')) opt[a.slice(2)] = process.argv[++i];
  else words.push(a);
}
const [packageDir, mode, host, port] = words;
if (!port || !['sol', 'kvm', 'ider'].includes(mode)) {
  console.error('usage: mesh.js PACKAGE sol|kvm|ider HOST PORT [options]');
  process.exit(2);
}
const unescape_text = (s) => s.replace(/\\r/g, '\r').replace(/\\n/g, '\n').replace(/\\t/g, '\t');
const say = (event, fields) => console.log(JSON.stringify(Object.assign({ event }, fields)));
let connected = false, loggedIn = false, done = false;
function finish(code, why) {
  if (done) return;
  done = true;
  say('end', { code, why });
  process.exitCode = code;
  setTimeout(() => process.exit(code), 20);
}
setTimeout(() => finish(9, 'time is up'), opt.seconds * 1000);

// What the package's server uses towards AMT.
const tlsOptions = {
  ciphers: 'RSA+AES:!aNULL:!MD5:!DSS', minVersion: 'TLSv1', rejectUnauthorized: false,
  secureOptions: constants.SSL_OP_NO_SSLv2 | constants.SSL_OP_NO_SSLv3 | constants.SSL_OP_NO_COMPRESSION |
    constants.SSL_OP_CIPHER_SERVER_PREFERENCE | constants.SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION,
};

// Follows the opening messages, only to report them.
let opening = Buffer.alloc(0), openingDone = false;
let authFailures = 0, sawChallenge = false;
function watch(data) {
  if (opt.trace) say('trace', { from: 'device', hex: data.toString('hex').slice(0, 200), length: data.length });
  if (openingDone) return;
  opening = Buffer.concat([opening, data]);
  while (opening.length) {
    if (opening[0] === 0x11) {
      if (opening.length < 4) return;
      say('start', { status: opening[1] });
      if (opening[1] !== 0) { openingDone = true; return finish(1, 'start status ' + opening[1]); }
      if (opening.length < 13 || opening.length < 13 + opening[12]) return;
      opening = opening.subarray(13 + opening[12]);
    } else if (opening[0] === 0x14) {
      if (opening.length < 9) return;
      const length = opening.readUInt32LE(5);
      if (opening.length < 9 + length) return;
      say('auth', { method: opening[4], status: opening[1], methods: opening[4] === 0 ? [...opening.subarray(9, 9 + length)] : undefined });
      if (opening[4] !== 0 && opening[1] === 0) { loggedIn = true; openingDone = true; return; }
      if (opening[1] === 1 && opening[4] !== 0) {
        if (sawChallenge && ++authFailures >= 1) { openingDone = true; return finish(4, 'authentication failed'); }
        sawChallenge = true;
      } else if (opening[4] !== 0) { openingDone = true; return finish(4, 'authentication status ' + opening[1]); }
      opening = opening.subarray(9 + length);
    } else { openingDone = true; return; }
  }
}
function connect(useTls) {
  const s = useTls ? tls.connect(Number(port), host, tlsOptions) : net.connect(Number(port), host);
  s.on(useTls ? 'secureConnect' : 'connect', () => {
    connected = true;
    say('connected', useTls ? { tls: s.getProtocol(), cipher: s.getCipher().name } : {});
  });
  s.on('data', watch);
  s.on('error', (e) => say('error', { text: e.message }));
  s.on('close', () => { say('closed', {}); finish(!connected ? 3 : loggedIn ? 1 : 4, 'closed'); });
  return s;
}

function md5hex(text) { return crypto.createHash('md5').update(text, 'latin1').digest('hex'); }

// A canvas as far as the desktop module uses one: RGBA pixels.
class Canvas {
  constructor() { this.w = 0; this.h = 0; this.pixels = Buffer.alloc(0); this.canvas = this; this.fillStyle = '#000000'; this.tiles = 0; }
  set width(v) { if (v !== this.w) { this.w = v; this.clear(); } }
  get width() { return this.w; }
  set height(v) { if (v !== this.h) { this.h = v; this.clear(); } }
  get height() { return this.h; }
  clear() { this.pixels = Buffer.alloc(this.w * this.h * 4); this.covered = new Uint8Array(this.w * this.h); this.left = this.w * this.h; }
  createImageData(w, h) { return { width: w, height: h, data: new Uint8ClampedArray(w * h * 4) }; }
  put(x, y, r, g, b) {
    if (x < 0 || y < 0 || x >= this.w || y >= this.h) return;
    const p = y * this.w + x;
    if (!this.covered[p]) { this.covered[p] = 1; this.left--; }
    this.pixels[p * 4] = r; this.pixels[p * 4 + 1] = g; this.pixels[p * 4 + 2] = b; this.pixels[p * 4 + 3] = 255;
  }
  putImageData(i, x, y) {
    this.tiles++;
    for (let r = 0; r < i.height; r++) for (let c = 0; c < i.width; c++) {
      const q = (r * i.width + c) * 4;
      this.put(x + c, y + r, i.data[q], i.data[q + 1], i.data[q + 2]);
    }
  }
  fillRect(x, y, w, h) {
    this.tiles++;
    const m = /^rgb\((\d+),(\d+),(\d+)\)$/.exec(this.fillStyle);
    const [r, g, b] = m ? m.slice(1).map(Number) : [0, 0, 0];
    for (let j = 0; j < h; j++) for (let i = 0; i < w; i++) this.put(x + i, y + j, r, g, b);
  }
  setTransform() {} rotate() {} drawImage() {}
  ppm() {
    const out = Buffer.alloc(this.w * this.h * 3);
    for (let p = 0; p < this.w * this.h; p++) this.pixels.copy(out, p * 3, p * 4, p * 4 + 3);
    return Buffer.concat([Buffer.from('P6\n' + this.w + ' ' + this.h + '\n255\n'), out]);
  }
}

// The browser's side: scripts of the package in a context with a WebSocket.
function browser() {
  const canvas = new Canvas();
  const element = { style: {}, getContext: () => canvas, offsetWidth: 1, offsetHeight: 1, getBoundingClientRect: () => ({ left: 0, top: 0 }) };
  class WebSocket {
    constructor(url) {
      const q = new URL(url).searchParams;
      this.readyState = 0;
      this.socket = connect(q.get('tls') === '1');
      this.socket.setNoDelay(true);
      this.socket.on(q.get('tls') === '1' ? 'secureConnect' : 'connect', () => { this.readyState = 1; this.onopen(); });
      this.socket.on('data', (d) => this.onmessage && this.onmessage({ data: d.buffer.slice(d.byteOffset, d.byteOffset + d.length) }));
      this.socket.on('close', () => { this.readyState = 3; if (this.onclose && !done) this.onclose(); });
    }
    send(buffer) { if (opt.trace) say('trace', { from: 'client', hex: Buffer.from(buffer).toString('hex').slice(0, 400) }); this.socket.write(Buffer.from(buffer)); }
    close() { this.socket.destroy(); }
  }
  WebSocket.OPEN = 1;
  const context = vm.createContext({
    WebSocket, console: { log: (...a) => say('log', { text: a.join(' ') }) }, setInterval, clearInterval, setTimeout, clearTimeout,
    document: { getElementById: () => element, createElement: () => element }, hex_md5: md5hex, Uint8Array, DataView, ArrayBuffer,
    window: { location: { protocol: 'http:', host: 'local', pathname: '/' } }, escape, unescape, canvas,
  });
  for (const name of ['common-0.0.1.js', 'zlib.js', 'zlib-inflate.js', 'zlib-adler32.js', 'zlib-crc32.js', 'amt-redir-ws-0.1.0.js', 'amt-desktop-0.0.2.js']) {
    const file = path.join(packageDir, 'public', 'scripts', name);
    vm.runInContext(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, ''), context, { filename: file });
  }
  return { context, canvas };
}

function runSol() {
  const { context } = browser();
  let text = '', sent = false;
  const expect = opt.expect ? new RegExp(opt.expect, 's') : null;
  const terminal = {
    protocol: 1,
    xxStateChange(state) {
      say('state', { state });
      if (state === 3 && !sent) {
        sent = true;
        // As a person types: one key at a time.
        const keys = opt.send ? [...unescape_text(opt.send)] : [];
        const type = () => { if (keys.length && !done) { redir.send(keys.shift()); setTimeout(type, 15); } };
        setTimeout(type, 400);
        if (!expect) setTimeout(() => finish(0, 'connected'), Math.max(500, opt.linger * 1000));
      }
    },
    ProcessData(data) {
      text += data;
      say('data', { text: data });
      if (expect && expect.test(text)) setTimeout(() => finish(0, 'seen'), opt.linger * 1000);
    },
  };
  const redir = context.CreateAmtRedirect(terminal, null);
  redir.Start(host, Number(port), opt.user, opt.pass, opt.tls ? 1 : 0);
}

function runKvm() {
  const { context, canvas } = browser();
  const desktop = context.CreateAmtRemoteDesktop('Desk', null);
  desktop.localKeyMap = false;
  desktop.onScreenSizeChange = (o, w, h) => say('size', { width: desktop.width, height: desktop.height, w, h });
  let complete = false;
  const redir = context.CreateAmtRedirect(desktop, null);
  redir.onStateChanged = (r, state) => say('state', { state });
  redir.Start(host, Number(port), opt.user, opt.pass, opt.tls ? 1 : 0);
  const timer = setInterval(() => {
    if (desktop.state < 4 || canvas.w === 0 || canvas.left > 0 || complete) return;
    complete = true;
    clearInterval(timer);
    for (const code of opt.keys) { desktop.sendkey(Number(code), 1); desktop.sendkey(Number(code), 0); }
    const end = () => {
      if (opt.out) fs.writeFileSync(opt.out, canvas.ppm());
      say('screen', { width: canvas.w, height: canvas.h, tiles: canvas.tiles });
      finish(0, 'whole screen drawn');
    };
    setTimeout(end, Math.max(100, opt.linger * 1000));
  }, 50);
}

function runIder() {
  const ider = require(path.resolve(packageDir, 'amt', 'amt-ider-module.js')).CreateAmtRemoteIder(null, null);
  const common = { rstr2hex: (s) => Buffer.from(s, 'binary').toString('hex'),
    IntToStrX: (v) => String.fromCharCode(v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24 & 255),
    ReadIntX: (v, p) => Buffer.from(v.substring(p, p + 4), 'binary').readUInt32LE(0) };
  const node = { _id: 'node', meshid: 'mesh', host, intelamt: { user: opt.user, pass: opt.pass, tls: opt.tls ? 1 : 0 } };
  const server = {
    db: { Get: (id, got) => got(null, [node]) }, GetConnectivityState: () => ({ connectivity: 4 }),
    mpsserver: { GetConnectionToNode: () => null },
    certificateOperations: { forge: { md: { md5: { create: () => { let t = ''; return { update(s) { t += s; return this; }, digest: () => ({ toHex: () => md5hex(t) }) }; } } } } },
  };
  const user = { name: 'tester', links: { mesh: { rights: 8 } } };
  const redir = require(path.resolve(packageDir, 'amt', 'amt-redir-mesh.js')).CreateAmtRedirect(ider, null, user, { common }, server);
  const wrong = ider.diskSetup(opt.floppy, opt.cd);
  if (wrong) { console.error('mesh.js: the image was refused with ' + wrong); process.exit(2); }
  ider.debug = Boolean(opt.trace);
  ider.iderStart = 2;
  let blocks = 0;
  ider.sectorStats = (what, dev, total, lba, count) => { if (what === 1) blocks += count; };
  // The module's ports are fixed; the socket it opens is ours.
  redir.net = { Socket: function () { const s = new net.Socket(); const real = s.connect.bind(s);
    s.connect = (p, h, cb) => real(Number(port), h, cb); follow(s, 'connect'); return s; } };
  redir.tls = { connect: (p, h, o, cb) => { const s = tls.connect(Number(port), h, o, cb); follow(s, 'secureConnect'); return s; } };
  function follow(s, ready) {
    s.on(ready, () => { connected = true; say('connected', ready === 'connect' ? {} : { tls: s.getProtocol(), cipher: s.getCipher().name }); });
    s.on('data', (d) => watch(Buffer.from(d, 'binary')));
    s.on('error', (e) => say('error', { text: e.message }));
    s.on('close', () => { say('closed', { blocks, bytes: ider.bytesToAmt }); finish(!connected ? 3 : blocks ? 0 : loggedIn ? 1 : 4, 'closed'); });
  }
  redir.onStateChanged = (r, state) => say('state', { state });
  redir.Start('node');
  process.on('SIGTERM', () => { redir.Stop(); });
}

({ sol: runSol, kvm: runKvm, ider: runIder })[mode]();
