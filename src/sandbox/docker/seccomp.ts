/**
 * The system calls a sandbox may make. An allow-list of our own, because Docker's leaves AF_VSOCK, io_uring and ptrace open
 * on the engines in use. One architecture, no compatibility modes: their numbers would be a way around.
 *
 * Left out on purpose: ptrace and everything that reads or steers another process, io_uring, bpf, perf, userfaultfd, keyrings,
 * mounts, namespaces, chroot, handles, modules, clocks, swap, memfd (it would make the noexec mounts pointless) and
 * socketcall (it hides the address family from the filter).
 */

const FILES = `access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
  fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr
  fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr ioctl lchown lgetxattr link linkat listxattr
  llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat openat2 pipe pipe2 pread64
  preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir
  sendfile setxattr splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat
  utime utimensat utimes write writev`

const EVENTS = `epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 inotify_add_watch
  inotify_init inotify_init1 inotify_rm_watch poll ppoll pselect6 select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime`

const MEMORY = `brk madvise membarrier mincore mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall munmap
  pkey_alloc pkey_free pkey_mprotect remap_file_pages`

const PROCESSES = `arch_prctl capget capset execve execveat exit exit_group fork futex futex_waitv get_robust_list getcpu getegid
  geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
  gettid getuid ioprio_get ioprio_set landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open
  pidfd_send_signal prctl prlimit64 restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity
  sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setpgid setpriority
  setregid setresgid setresuid setreuid setrlimit setsid setuid sysinfo uname vfork wait4 waitid`

const SIGNALS_AND_TIME = `alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday kill nanosleep pause
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
  setitimer sigaltstack tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime times tkill`

const MESSAGES = `accept accept4 bind connect getpeername getsockname getsockopt listen mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd recvfrom recvmmsg recvmsg semctl semget semop semtimedop
  sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketpair`

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_ROUTE = 0
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const CLONE_NAMESPACES = 0x7e020000
const ENOSYS = 38

/** As `docker version` names the engine's architecture. */
const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' }

interface Condition {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ'
}

interface Rule {
  readonly names: readonly string[]
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'
  readonly errnoRet?: number
  readonly args?: readonly Condition[]
}

export interface SeccompProfile {
  readonly defaultAction: 'SCMP_ACT_ERRNO'
  readonly architectures: readonly string[]
  readonly syscalls: readonly Rule[]
}

const equals = (index: number, value: number): Condition => ({ index, value, op: 'SCMP_CMP_EQ' })
const allow = (name: string, ...args: Condition[]): Rule => ({ names: [name], action: 'SCMP_ACT_ALLOW', args })

/**
 * The profile for an engine's architecture, to be passed inline in `SecurityOpt`.
 * @throws Error for an architecture the list was not written for.
 */
export function toSeccompProfile(architecture: string): SeccompProfile {
  const name = ARCHITECTURES[architecture]
  if (!name) {
    throw new Error(
      `the Docker engine runs on ${architecture}, for which there is no system call filter; ` +
        `use an engine on ${Object.keys(ARCHITECTURES).join(' or ')}`,
    )
  }
  const plain = [FILES, EVENTS, MEMORY, PROCESSES, SIGNALS_AND_TIME, MESSAGES].join(' ').split(/\s+/)
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: [name],
    syscalls: [
      { names: plain, action: 'SCMP_ACT_ALLOW' },
      ...[AF_UNIX, AF_INET, AF_INET6].map((family) => allow('socket', equals(0, family))),
      allow('socket', equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE)),
      allow('clone', { index: 0, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
      // Its flags are behind a pointer and cannot be filtered; libc falls back to clone when told that it does not exist.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      // The current one can be asked for; none can be set.
      allow('personality', equals(0, 0xffffffff)),
      allow('personality', equals(0, 0)),
    ],
  }
}
