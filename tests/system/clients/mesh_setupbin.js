// Reads and writes Setup.bin files with the module inside the npm package `meshcentral`, unmodified.
//
//   node mesh_setupbin.js PACKAGE read FILE    what it finds, a line of JSON; exit 1 where it finds no such file
//   node mesh_setupbin.js PACKAGE write FILE   two records, one of them scrambled
//   node mesh_setupbin.js PACKAGE again IN OUT what it makes of what it read
//
// Its reader looks for a record's chunk count and number where no writer puts them, so that they are left out here; what
// it writes has them in the right place.
'use strict';
const fs = require('fs');
const path = require('path');
const [packageDir, action, file, out] = process.argv.slice(2);
const stack = require(path.resolve(packageDir, 'amt', 'amt-setupbin.js'))();
const bytes = (name) => fs.readFileSync(name, 'binary');
const save = (name, obj) => fs.writeFileSync(name, Buffer.from(stack.AmtSetupBinEncode(obj), 'binary'));

if (action === 'write') {
  const record = (flags, list) => ({ typeIdentifier: 1, flags: flags, variables: list.map((v) => ({ moduleid: v[0], varid: v[1], value: v[2] })) });
  const obj = stack.AmtSetupBinCreate(3, 0);
  obj.records.push(record(1, [[1, 1, 'admin'], [1, 2, 'P@ssw0rd1!'], [1, 3, 1], [2, 17, '\x05\0\0\n'], [2, 18, 9971], [2, 30, 4711]]));
  obj.records.push(record(3, [[1, 1, 'admin'], [1, 2, 'P@ssw0rd2!'], [2, 8, '\x02' + 'h'.repeat(32) + '\x05My CA'], [2, 25, 1], [2, 26, 255]]));
  save(file, obj);
} else {
  const obj = stack.AmtSetupBinDecode(bytes(file));
  if (!obj) process.exit(1);
  if (action === 'again') {
    save(out, obj);
  } else {
    const values = obj.records.map((r) => Object.fromEntries(r.variables.map((v) => [v.moduleid + '/' + v.varid, v.value])));
    console.log(JSON.stringify({ type: obj.fileType, flags: obj.flags, minor: obj.minorVersion, records: values }));
  }
}
