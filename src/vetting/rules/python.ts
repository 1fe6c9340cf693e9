import {
  assigns,
  calls,
  computedOn,
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

/** Modules whose functions reach beyond the code's own data; what is looked up on them must be readable. */
const POWERFUL = 'os sys builtins subprocess socket importlib ctypes shutil marshal pickle'

export const pythonRules: readonly Rule[] = [
  {
    name: 'process',
    permission: 'deny',
    reason: 'starts another process; call the services directly instead',
    match: [
      uses(`subprocess _posixsubprocess pty commands popen2 pexpect sh plumbum invoke fabric
        os.system os.popen os.exec* os.spawn* os.fork* os.posix_spawn* os.startfile os.setsid os.openpty os.forkpty
        asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess
        multiprocessing.process multiprocessing.Process multiprocessing.util multiprocessing.popen_fork`),
      members('subprocess_exec subprocess_shell'),
    ],
  },
  {
    name: 'process-pool',
    permission: 'ask',
    reason: 'spreads work over several processes; threads do for waiting on services',
    match: [
      usesOther('multiprocessing', 'cpu_count pool dummy Process process util popen_fork'),
      usesOther('multiprocessing.pool', 'ThreadPool'),
      uses('concurrent.futures.ProcessPoolExecutor concurrent.futures.process'),
    ],
  },
  {
    name: 'dynamic-code',
    permission: 'deny',
    reason: 'runs code made at run time, which nobody has seen; write out what it is to do',
    match: [
      uses(`builtins.eval builtins.exec builtins.compile types.FunctionType types.CodeType types.LambdaType
        code codeop runpy imp pkgutil zipimport zipapp bdb pdb pip ensurepip cProfile profile
        importlib.reload importlib.util importlib.machinery importlib.abc importlib.__import__ importlib._bootstrap*
        timeit.timeit timeit.repeat timeit.Timer`),
    ],
  },
  {
    name: 'dynamic-name',
    permission: 'deny',
    reason: 'chooses at run time what it imports or calls; name it in the code',
    match: [
      computedOn(`import %scope sys.modules ${POWERFUL}`),
      (fact) => fact.kind === 'computed' && (fact.prefix.startsWith('__') || fact.of.endsWith('.__dict__')),
      passes(POWERFUL),
    ],
  },
  {
    name: 'star-import',
    permission: 'deny',
    reason: 'imports every name of a powerful module; import the ones that are used',
    match: [(fact) => fact.kind === 'import' && new Set(POWERFUL.split(' ').map((name) => `${name}.*`)).has(fact.path)],
  },
  {
    name: 'introspection',
    permission: 'deny',
    reason: "reaches into Python's own objects, which is how code breaks out of checks",
    match: [
      members(`__subclasses__ __globals__ __builtins__ __bases__ __base__ __mro__ mro __code__ __closure__ __func__ __self__
        __loader__ __spec__ __getattribute__ __reduce__ __reduce_ex__ __import__ __subclasshook__ __init_subclass__
        gi_frame gi_code cr_frame cr_code ag_frame tb_frame f_globals f_locals f_builtins f_back f_code func_globals
        co_code co_consts`),
      uses(
        'builtins.__loader__ builtins.__spec__ gc.get_objects gc.get_referrers gc.get_referents inspect.currentframe inspect.stack inspect.trace',
      ),
      texts(/__(subclasses|globals|builtins|bases|mro|code|closure|getattribute|reduce|reduce_ex|loader|import)__/),
    ],
  },
  {
    name: 'raw-socket',
    permission: 'deny',
    reason: 'opens a connection of its own; use an HTTP or SMTP client',
    match: [
      usesOther('socket', 'timeout error gaierror herror setdefaulttimeout getdefaulttimeout gethostname'),
      uses(`ssl.wrap_socket ssl.SSLSocket socketserver asyncore asynchat telnetlib scapy zmq requests_unixsocket
        asyncio.open_connection asyncio.open_unix_connection asyncio.start_server asyncio.start_unix_server
        aiohttp.UnixConnector multiprocessing.connection`),
      members(`wrap_socket create_connection create_unix_connection create_datagram_endpoint create_server
        create_unix_server sock_connect fromfd`),
      texts(/^https?\+unix:|docker\.sock/),
    ],
  },
  {
    name: 'server',
    permission: 'deny',
    reason: 'listens for connections; nothing can reach it here',
    match: [uses('http.server xmlrpc.server wsgiref.simple_server uvicorn gunicorn')],
  },
  {
    name: 'other-protocol',
    permission: 'ask',
    reason: 'speaks a protocol that is not recorded, so that it could not be undone',
    match: [uses('ftplib imaplib poplib nntplib paramiko asyncssh websocket websockets')],
  },
  {
    name: 'native-code',
    permission: 'deny',
    reason: 'runs machine code or touches raw memory',
    match: [
      uses('ctypes _ctypes cffi mmap dl distutils pyximport cppyy numpy.ctypeslib numba.cfunc'),
      members('enable_load_extension load_extension'),
    ],
  },
  {
    name: 'outside-work-area',
    permission: 'deny',
    reason: 'touches files outside /work and /tmp',
    match: [
      leavesWorkArea(`builtins.open io.open io.FileIO codecs.open pathlib.Path pathlib.PosixPath glob sqlite3.connect
        os.path.exists os.path.isfile os.path.isdir os.path.islink os.path.getsize os.path.getmtime
        os.open os.listdir os.scandir os.walk os.fwalk os.remove os.unlink os.mkdir os.makedirs os.rmdir os.removedirs
        os.chmod os.chown os.stat os.lstat os.readlink os.chdir os.chroot os.truncate os.mkfifo os.mknod os.access os.utime
        os.statvfs shutil.rmtree shutil.chown shutil.disk_usage shutil.unpack_archive zipfile.ZipFile tarfile.open fileinput.input`),
      leavesWorkArea('os.rename os.replace os.link os.symlink shutil.copy* shutil.move shutil.make_archive', [0, 1]),
      uses('pathlib.Path.home os.path.expanduser pwd grp spwd'),
      texts(SYSTEM_PATH),
    ],
  },
  {
    name: 'file-descriptor',
    permission: 'deny',
    reason: 'uses a numbered file descriptor, which may belong to the runner',
    match: [
      calls('builtins.open io.open io.FileIO', (args) => args[0]?.number === true),
      uses(
        'os.fdopen os.dup os.dup2 os.read os.write os.writev os.sendfile os.pipe os.pipe2 os.memfd_create os.pidfd_open fcntl',
      ),
    ],
  },
  {
    name: 'unvetted-code',
    permission: 'deny',
    reason: 'writes or loads code that would not be checked',
    match: [
      uses('sys.path sys.path_hooks sys.meta_path sys.path_importer_cache site'),
      calls('builtins.open io.open pathlib.Path shutil.copy* os.rename os.replace', (args) =>
        args.some((arg) => arg.constant?.whole === true && /\.(py|pyc|pyd|pth|so|egg|whl)$/.test(arg.constant.text)),
      ),
    ],
  },
  {
    name: 'environment',
    permission: 'ask',
    reason: 'reads the environment; credentials are put in by the gateway and are not there',
    match: [
      passes('os.environ os.environb'),
      uses('os.environ.items os.environ.values os.environ.keys os.environ.copy'),
      computedOn('os.environ'),
      calls('os.getenv os.getenvb', (args) => args[0]?.constant?.whole !== true || SECRET.test(args[0].constant.text)),
      (fact) => fact.kind === 'use' && fact.path.startsWith('os.environ.$') && SECRET.test(fact.path),
    ],
  },
  {
    name: 'deserialisation',
    permission: 'deny',
    reason: 'turns data into objects in a way that can run code; use JSON',
    match: [
      usesOther('pickle', 'dump dumps HIGHEST_PROTOCOL DEFAULT_PROTOCOL PickleError PicklingError'),
      uses(
        'marshal shelve dill cloudpickle jsonpickle joblib.load pandas.read_pickle yaml.unsafe_load yaml.UnsafeLoader yaml.full_load',
      ),
      uses('yaml.unsafe_load_all yaml.full_load_all torch.load'),
      calls('yaml.load yaml.load_all', (args, named) => {
        const loader = named['Loader'] ?? args[1]
        return !loader?.paths.some((path) => /^yaml\.C?(Safe|Base)Loader$/.test(path))
      }),
    ],
  },
  {
    name: 'runner',
    permission: 'deny',
    reason: 'interferes with what runs this code',
    match: [
      uses(`os.kill os.killpg os.abort os.setuid os.setgid os.seteuid os.setegid os.setreuid os.setregid os.setresuid os.setgroups
        os.initgroups os.unshare os.setns os.ptrace os.getppid signal.pthread_kill signal.raise_signal signal.pidfd_send_signal
        sys._getframe sys._current_frames sys.settrace sys.setprofile sys.addaudithook sys.__stdout__ sys.__stderr__
        threading.settrace threading.setprofile resource.setrlimit resource.prlimit psutil faulthandler _thread.interrupt_main`),
      uses('recourse._*'),
      assigns(
        'builtins sys.stdout sys.stderr sys.stdin sys.modules requests.get requests.post requests.request recourse json.loads json.dumps',
      ),
    ],
  },
  {
    name: 'busy-loop',
    permission: 'deny',
    reason: 'loops for ever without doing anything',
    match: [(fact) => fact.kind === 'spin'],
  },
]
