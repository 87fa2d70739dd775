/*
 * Has Node.js on Linux be like one on another system, as far as that is honest: for NODE_OPTIONS=--require=..., before any module of
 * tshuttle loads; and as a setup file of tests, for whose children it sets that. TSHUTTLE_TEST_PLATFORM is darwin, freebsd, openbsd or win32,
 * TSHUTTLE_TEST_KOFFI absent where npm was told to leave the package out.
 *
 * What Linux only has is not there: /proc and /sys, its native calls (a function of the C library is there when that system has it, and
 * takes that system's numbers; a flag that opens a file locked has its meaning), and on Windows the users, groups, modes and owners of files, and sockets in the file system: named pipes
 * instead. Paths stay POSIX's, and signals, shells and processes this system's.
 */
const Module = require('node:module');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const platform = process.env.TSHUTTLE_TEST_PLATFORM;
const isKoffiAbsent = process.env.TSHUTTLE_TEST_KOFFI === 'absent';

/** A worker of the tests has it once for each file. */
const DONE = Symbol.for('tshuttle.simulated');

process.env.NODE_OPTIONS = `--require=${__filename}`;

if (globalThis[DONE] !== true) {
  globalThis[DONE] = true;
  if (platform !== undefined && platform !== '') simulate();
  else if (isKoffiAbsent) replaceKoffi();
}

function simulate() {
  hideFolders(['/proc', '/sys', ...(platform === 'win32' ? ['/dev/fd', '/dev/tty', '/etc', '/run'] : [])]);
  openLocked();
  refuseAbstractSockets();
  if (platform === 'win32') beWindows();
  Object.defineProperty(process, 'platform', { value: platform });
  os.platform = () => platform;
  replaceKoffi();
  Module.syncBuiltinESMExports();
}

function replaceKoffi() {
  if (isKoffiAbsent) removeKoffi();
  const load = Module._load;
  Module._load = function (name, ...rest) {
    if (name === 'koffi') return koffiOf(asHere(() => load.call(this, name, ...rest)));
    // What tests compile modules with is of this machine.
    return load.call(this, name.startsWith('@rolldown/binding-') ? ownBinding() : name, ...rest);
  };
}

function ownBinding() {
  const [folder] = fs.readdirSync(path.join(__dirname, '../../../node_modules/@rolldown')).filter((name) => name.startsWith('binding-'));
  return `@rolldown/${folder}`;
}

/** The loader finds neither the package nor its binary, and says so in its own words. */
function removeKoffi() {
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (name, ...rest) {
    if (isOwnLoad || !/^(?:koffi|@koromix\/koffi-[\w-]+)(?:\/|$)/.test(name)) return resolve.call(this, name, ...rest);
    try {
      return resolve.call(this, 'tshuttle-no-such-package', ...rest);
    } catch (error) {
      error.message = error.message.replace('tshuttle-no-such-package', name);
      throw error;
    }
  };
}

/** koffi loads the file for the system that it is on. */
function asHere(load) {
  const shown = process.platform;
  Object.defineProperty(process, 'platform', { value: 'linux' });
  try {
    return load();
  } finally {
    Object.defineProperty(process, 'platform', { value: shown });
  }
}

let isOwnLoad = false;

/** flock(2) of this machine, whatever tshuttle takes for missing. */
function flockOfMachine() {
  isOwnLoad = true;
  try {
    const koffi = asHere(() => require(path.join(__dirname, '../../../node_modules/koffi')));
    return koffi.load(null).func('int flock(int, int)');
  } finally {
    isOwnLoad = false;
  }
}

/** Opening a file locks it where this is asked for: O_EXLOCK of the BSDs, whose lock is flock(2)'s, and libuv's UV_FS_O_EXLOCK. */
function openLocked() {
  const isWindows = platform === 'win32';
  const flag = isWindows ? 0x1000_0000 : 0x20;
  const failure = (code, syscall, file) => Object.assign(new Error(`${code}: ${syscall} '${file}'`), { code, syscall, path: file });
  /** What this process has open so, by descriptor. */
  const held = new Map();
  let flock;
  wrap(fs, 'openSync', (original) => (file, flags, ...rest) => {
    if (typeof flags !== 'number' || (flags & flag) === 0) return original(file, flags, ...rest);
    if (!isWindows && (flags & fs.constants.O_NONBLOCK) === 0) throw new Error(`opening ${file} would wait for a lock`);
    const descriptor = original(file, flags & ~flag, ...rest);
    flock ??= flockOfMachine();
    if (flock(descriptor, 2 | 4) === 0) {
      held.set(descriptor, file);
      return descriptor;
    }
    fs.closeSync(descriptor);
    throw failure(isWindows ? 'EBUSY' : 'EAGAIN', 'open', file);
  });
  wrap(fs, 'closeSync', (original) => (descriptor) => {
    original(descriptor);
    held.delete(descriptor);
  });
  if (!isWindows) return;
  wrap(fs, 'rmSync', (original) => (file, ...rest) => {
    if ([...held.values()].includes(file)) throw failure('EBUSY', 'unlink', file);
    return original(file, ...rest);
  });
}

/** Only Linux has sockets with a name of their own, which begins with a zero (unix(7)). */
function refuseAbstractSockets() {
  wrap(net.Server.prototype, 'listen', (original) => function (first, ...rest) {
    if (!(first?.path ?? String(first)).startsWith('\0')) return original.call(this, first, ...rest);
    process.nextTick(() => this.emit('error', Object.assign(new Error('listen EINVAL'), { code: 'EINVAL', syscall: 'listen' })));
    return this;
  });
}

/** The functions of the C library that each has, where numbers and structs are as here, or are translated below. */
function koffiOf(koffi) {
  /** EWOULDBLOCK is 35 there. */
  const errnoOf = () => (koffi.errno() === 11 ? 35 : koffi.errno());
  const libc = koffi.load(null);
  const calls = {
    setsid: true,
    dup2: true,
    flock: true,
    shutdown: true,
    geteuid: true,
    getpeereid: true,
    // No option of ours is one there.
    setsockopt: () => () => -1,
    getrlimit: (call) => (resource, limits) => call(resourceOf(resource), limits),
    setrlimit: (call) => (resource, limits) => call(resourceOf(resource), limits),
    getsockopt: (call) => (descriptor, level, name, value, length) => {
      const peer = Buffer.alloc(12);
      const answer = peerAnswer(level, name, value);
      if (answer === undefined || call(descriptor, 1, 17, peer, new Uint32Array([12])) !== 0) return -1;
      answer(peer, value, length);
      return 0;
    },
  };
  /** RLIMIT_NOFILE is 8 there. */
  const resourceOf = (resource) => (resource === 8 ? 7 : resource);
  const func = (isOwnProgram) => (declaration) => {
    const name = /(\w+)\s*\(/.exec(declaration)[1];
    // Of Node.js itself, which shows its OpenSSL on each (native-notes/openssl-in-node.md).
    if (isOwnProgram && name.startsWith('EVP_')) return libc.func(declaration);
    const call = platform === 'win32' ? undefined : calls[name];
    // As koffi says it.
    if (call === undefined) throw new Error(`Cannot find function '${name}' in shared library`);
    if (name === 'getpeereid') return peerIds(libc.func('int getsockopt(int, int, int, _Out_ void *value, _Inout_ uint32_t *length)'));
    return call === true ? libc.func(declaration) : call(libc.func(declaration));
  };
  const isOwn = (name) => (platform === 'darwin' ? name === '/usr/lib/libSystem.B.dylib' : name === null);
  return {
    ...koffi,
    errno: errnoOf,
    load(name) {
      if (name === null || isOwn(name)) return { func: func(name === null) };
      throw new Error(`Failed to load shared library: ${name}`);
    },
  };
}

/** How each system tells who is at the other end of a socket; undefined for every other option. */
function peerAnswer(level, name, value) {
  // struct xucred of Darwin (76 bytes: version 0, uid at 4) and FreeBSD (88 on 64 bits: the groups, then a union with the pid at 80).
  if (platform === 'darwin' && level === 0 && name === 1 && value.length >= 76) {
    return (peer, out, length) => {
      out.fill(0, 0, 76);
      out.writeUInt32LE(peer.readUInt32LE(4), 4);
      out.writeInt16LE(1, 8);
      length[0] = 76;
    };
  }
  // LOCAL_PEERPID
  if (platform === 'darwin' && level === 0 && name === 2 && value.length >= 4) {
    return (peer, out, length) => {
      peer.copy(out, 0, 0, 4);
      length[0] = 4;
    };
  }
  if (platform === 'freebsd' && level === 0 && name === 1 && value.length >= 88) {
    return (peer, out, length) => {
      out.fill(0, 0, 88);
      out.writeUInt32LE(peer.readUInt32LE(4), 4);
      out.writeInt16LE(1, 8);
      out.writeInt32LE(peer.readInt32LE(0), 80);
      length[0] = 88;
    };
  }
  // struct sockpeercred of OpenBSD: uid, gid, pid.
  if (platform === 'openbsd' && level === 0xffff && name === 0x1022 && value.length >= 12) {
    return (peer, out, length) => {
      out.writeUInt32LE(peer.readUInt32LE(4), 0);
      out.writeUInt32LE(peer.readUInt32LE(8), 4);
      out.writeInt32LE(peer.readInt32LE(0), 8);
      length[0] = 12;
    };
  }
  return undefined;
}

function peerIds(getsockopt) {
  return (descriptor, user, group) => {
    const peer = Buffer.alloc(12);
    if (getsockopt(descriptor, 1, 17, peer, new Uint32Array([12])) !== 0) return -1;
    user[0] = peer.readUInt32LE(4);
    group[0] = peer.readUInt32LE(8);
    return 0;
  };
}

/** Has calls on paths below these folders say that there is no such file. */
function hideFolders(folders) {
  const isHidden = (file) =>
    typeof file === 'string' && folders.some((folder) => file === folder || file.startsWith(`${folder}/`));
  const missing = (file, syscall) =>
    Object.assign(new Error(`ENOENT: no such file or directory, ${syscall} '${file}'`), { code: 'ENOENT', errno: -2, syscall, path: file });
  for (const name of ['accessSync', 'lstatSync', 'openSync', 'readdirSync', 'readFileSync', 'readlinkSync', 'statSync', 'opendirSync']) {
    wrap(fs, name, (original) => function (file, options, ...rest) {
      if (!isHidden(file)) return original.call(this, file, options, ...rest);
      if (options?.throwIfNoEntry === false) return undefined;
      throw missing(file, name);
    });
  }
  wrap(fs, 'existsSync', (original) => (file) => !isHidden(file) && original(file));
  for (const name of ['access', 'lstat', 'open', 'opendir', 'readdir', 'readFile', 'readlink', 'stat']) {
    wrap(fs.promises, name, (original) => async (file, ...rest) => {
      if (isHidden(file)) throw missing(file, name);
      return await original(file, ...rest);
    });
    wrap(fs, name, (original) => function (file, ...rest) {
      if (!isHidden(file)) return original.call(this, file, ...rest);
      process.nextTick(rest.at(-1), missing(file, name));
    });
  }
}

function wrap(owner, name, around) {
  const original = owner[name];
  owner[name] = around(original);
  // What util.promisify reads.
  for (const key of Object.getOwnPropertySymbols(original)) owner[name][key] = original[key];
}

function beWindows() {
  for (const name of ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups'])
    process[name] = undefined;
  const { userInfo } = os;
  os.userInfo = (...options) => ({ ...userInfo(...options), uid: -1, gid: -1, shell: null });
  process.umask = () => 0;
  for (const name of ['statSync', 'lstatSync', 'fstatSync']) {
    wrap(fs, name, (original) => (...words) => withoutOwner(original(...words)));
  }
  for (const name of ['stat', 'lstat']) {
    wrap(fs.promises, name, (original) => async (...words) => withoutOwner(await original(...words)));
  }
  makePipes();
}

/** libuv's stat of Windows: nobody's, and writable for all but where it is read-only. */
function withoutOwner(status) {
  if (status === undefined) return status;
  const isWide = typeof status.mode === 'bigint';
  const mode = (Number(status.mode) & fs.constants.S_IFMT) | 0o666;
  status.mode = isWide ? BigInt(mode) : mode;
  status.uid = isWide ? 0n : 0;
  status.gid = status.uid;
  return status;
}

/** Named pipes are a folder of unix sockets here, and a socket has no other name. */
function makePipes() {
  const folder = process.env.TSHUTTLE_TEST_PIPES ?? path.join(os.tmpdir(), 'tshuttle-test-pipes');
  const PIPE = /^\\\\[.?]\\pipe\\(.+)$/;
  const under = (name) => {
    const pipe = PIPE.exec(name)?.[1];
    return pipe === undefined ? undefined : path.join(folder, encodeURIComponent(pipe));
  };
  const refused = (syscall, address) => Object.assign(new Error(`${syscall} EACCES: permission denied ${address}`), { code: 'EACCES', syscall, address });
  wrap(net.Server.prototype, 'listen', (original) => function (first, ...rest) {
    const name = typeof first === 'string' && !/^\d+$/.test(first) ? first : first?.path;
    if (name === undefined) return original.call(this, first, ...rest);
    const place = under(name);
    if (place === undefined) {
      process.nextTick(() => this.emit('error', refused('listen', name)));
      return this;
    }
    fs.mkdirSync(folder, { recursive: true });
    return original.call(this, typeof first === 'string' ? place : { ...first, path: place }, ...rest);
  });
  wrap(net.Socket.prototype, 'connect', (original) => function (...words) {
    // net.connect() hands its words over as one list, with the options first.
    const [list] = words;
    const options = Array.isArray(list) ? list[0] : list;
    const name = typeof options === 'string' ? options : options?.path;
    if (typeof name !== 'string' || /^\d+$/.test(name)) return original.apply(this, words);
    const place = under(name) ?? path.join(folder, 'no-sockets-in-the-file-system');
    if (Array.isArray(list)) list[0] = { ...options, path: place };
    else words[0] = typeof options === 'string' ? place : { ...options, path: place };
    return original.apply(this, words);
  });
}
