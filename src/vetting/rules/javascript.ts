import {
  assigns,
  calls,
  computedOn,
  keys,
  leavesWorkArea,
  members,
  passes,
  texts,
  uses,
  usesOther,
  type Rule,
} from './rule.ts'
import { SECRET } from './secret.ts'
import { SYSTEM_PATH } from './work-area.ts'

const PROTOTYPES =
  'Object Array Function String Number Boolean Symbol Promise Map Set WeakMap RegExp Error Date Reflect JSON Math'

export const javascriptRules: readonly Rule[] = [
  {
    name: 'process',
    permission: 'deny',
    reason: 'starts another process; call the services directly instead',
    match: [
      uses('child_process cluster execa shelljs cross-spawn zx'),
      members('execSync spawnSync execFileSync execFile'),
    ],
  },
  {
    name: 'worker',
    permission: 'ask',
    reason: 'runs code on another thread; promises do for waiting on services',
    match: [uses('worker_threads Worker SharedWorker tinypool piscina')],
  },
  {
    name: 'dynamic-code',
    permission: 'deny',
    reason: 'runs code made at run time, which nobody has seen; write out what it is to do',
    match: [
      uses('eval vm vm2 isolated-vm repl inspector AsyncFunction GeneratorFunction ShadowRealm'),
      (fact) => fact.kind === 'use' && /^Function(\.(?!name$|length$)|$)/.test(fact.path),
      members('eval constructor'),
      calls('setTimeout setInterval setImmediate', (args) => args[0]?.constant != null),
      (fact) => fact.kind === 'import' && /^data:|^https?:/.test(fact.path),
    ],
  },
  {
    name: 'dynamic-name',
    permission: 'deny',
    reason: 'chooses at run time what it loads or calls; name it in the code',
    match: [
      computedOn('import %global process module require Reflect fs'),
      passes('%global process require module Reflect'),
      (fact) => fact.kind === 'computed' && /^__|^const|^proto/.test(fact.prefix),
    ],
  },
  {
    name: 'module-loader',
    permission: 'deny',
    reason: 'goes around the ordinary loading of modules, or loads code that would not be checked',
    match: [
      usesOther('module', 'createRequire builtinModules isBuiltin'),
      usesOther('require', 'main resolve'),
      usesOther('%module', 'exports id filename path children loaded'),
      (fact) => fact.kind === 'import' && /^(\.{0,2}\/|file:)/.test(fact.path),
    ],
  },
  {
    name: 'raw-socket',
    permission: 'deny',
    reason: 'opens a connection of its own; use fetch, an HTTP or an SMTP client',
    match: [uses('net dgram tls'), keys('socketPath'), texts(/docker\.sock/)],
  },
  {
    name: 'server',
    permission: 'deny',
    reason: 'listens for connections; nothing can reach it here',
    match: [
      uses('http.createServer https.createServer http2.createServer http2.createSecureServer express fastify koa'),
    ],
  },
  {
    name: 'other-protocol',
    permission: 'ask',
    reason: 'speaks a protocol that is not recorded, so that it could not be undone',
    match: [uses('WebSocket ws socket.io-client ftp basic-ftp imap imapflow ssh2')],
  },
  {
    name: 'native-code',
    permission: 'deny',
    reason: 'runs machine code or touches raw memory',
    match: [
      uses(
        'process.binding process._linkedBinding process.dlopen WebAssembly wasi ffi ffi-napi koffi bindings node-gyp-build v8',
      ),
      (fact) => fact.kind === 'import' && /\.node$/.test(fact.path),
      members('dlopen _linkedBinding'),
    ],
  },
  {
    name: 'outside-work-area',
    permission: 'deny',
    reason: 'touches files outside /work and /tmp',
    match: [
      leavesWorkArea('fs fs/promises fs-extra process.chdir process.loadEnvFile'),
      leavesWorkArea(
        `fs.rename* fs.copy* fs.cp* fs.link* fs.symlink* fs.promises.rename fs.promises.copyFile fs.promises.cp
        fs/promises.rename fs/promises.copyFile fs/promises.cp fs/promises.link fs/promises.symlink`,
        [1],
      ),
      uses('os.homedir os.userInfo'),
      texts(SYSTEM_PATH),
    ],
  },
  {
    name: 'file-descriptor',
    permission: 'deny',
    reason: 'uses a numbered file descriptor, which may belong to the runner',
    match: [
      calls(
        'fs.write fs.writeSync fs.writeFileSync fs.writeFile fs.read fs.readSync fs.readFileSync',
        (args) => args[0]?.number === true,
      ),
    ],
  },
  {
    name: 'environment',
    permission: 'ask',
    reason: 'reads the environment; credentials are put in by the gateway and are not there',
    match: [
      passes('process.env'),
      computedOn('process.env'),
      (fact) => fact.kind === 'use' && fact.path.startsWith('process.env.') && SECRET.test(fact.path),
    ],
  },
  {
    name: 'deserialisation',
    permission: 'deny',
    reason: 'turns data into objects in a way that can run code; use JSON',
    match: [uses('node-serialize serialize-to-js funcster cryo')],
  },
  {
    name: 'prototype',
    permission: 'deny',
    reason: "changes JavaScript's own objects, on which everything else relies",
    match: [
      keys('__proto__ __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__'),
      assigns(PROTOTYPES),
      calls(
        'Object.defineProperty Object.defineProperties Object.assign Object.setPrototypeOf Reflect.defineProperty Reflect.set',
        (args) =>
          (args[0]?.paths ?? []).some(
            (path) => path.endsWith('.prototype') || PROTOTYPES.split(' ').includes(path) || path === '%global',
          ),
      ),
      uses('Error.prepareStackTrace Error.captureStackTrace.getThis'),
    ],
  },
  {
    name: 'runner',
    permission: 'deny',
    reason: 'interferes with what runs this code',
    match: [
      uses(`process.kill process.abort process.mainModule process.setuid process.setgid process.seteuid process.setegid process.setgroups
        process.initgroups process.reallyExit process._kill process._debugProcess process.report
        process.ppid process.send process.channel process.openStdin async_hooks.createHook diagnostics_channel
        trace_events os.setPriority`),
      uses('recourse._*'),
      assigns('fetch console process.stdout process.stderr process.exit process.on process.emit recourse'),
    ],
  },
  {
    name: 'busy-loop',
    permission: 'deny',
    reason: 'loops for ever without doing anything',
    match: [(fact) => fact.kind === 'spin'],
  },
]
