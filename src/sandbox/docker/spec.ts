import type { ContainerCreateOptions } from 'dockerode'
import type { SandboxHost } from '../driver.ts'
import type { SeccompProfile } from './seccomp.ts'

/** What a container is allowed, fixed when it is created. Pure: from options to Docker's own words. */

export interface SandboxLimits {
  /** Bytes of memory, page cache and tmpfs included; there is no swap beyond it. */
  readonly memoryBytes: number
  /** Processes and threads. */
  readonly pids: number
  /** Processors, fractions allowed. */
  readonly cpus: number
  /** Bytes the code may keep in /work, where it starts. */
  readonly workBytes: number
  /** Bytes in /tmp. */
  readonly tmpBytes: number
  /** Files in each of the two. */
  readonly inodes: number
}

export const DEFAULT_LIMITS: SandboxLimits = {
  memoryBytes: 512 * 2 ** 20,
  pids: 128,
  cpus: 1,
  workBytes: 64 * 2 ** 20,
  tmpBytes: 64 * 2 ** 20,
  inodes: 4096,
}

/** Where the slot's directory appears inside; the runner's forwarder looks for `gateway.sock` there. */
export const GATEWAY_DIR = '/run/recourse'

export const LABELS = {
  installation: 'run.recourse.installation',
  owner: 'run.recourse.owner',
  uid: 'run.recourse.uid',
} as const

export interface AddressedHost extends SandboxHost {
  /** Loopback address the name resolves to inside. */
  readonly address: string
}

/** Hosts with their addresses; equal sets have equal keys, and so share warm containers. */
export interface HostSet {
  readonly key: string
  readonly hosts: readonly AddressedHost[]
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/
const LOOPBACK = /^127(\.\d{1,3}){3}$/

/**
 * Gives every name one loopback address, 127.0.1.1 and up. `localhost` and 127.x.x.x keep their own.
 * @throws RangeError for what is no host name or port, or cannot be led to the gateway.
 */
export function toHostSet(hosts: readonly SandboxHost[]): HostSet {
  const unique = new Map(
    hosts.map(({ host, port }) => [`${host.toLowerCase()}:${port}`, { host: host.toLowerCase(), port }]),
  )
  const sorted = [...unique.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, host]) => host)
  const addresses = new Map<string, string>()
  const addressed = sorted.map(({ host, port }): AddressedHost => {
    if (!HOST_NAME.test(host) || (IPV4.test(host) && !LOOPBACK.test(host))) {
      throw new RangeError(
        `the sandbox cannot lead "${host}" to the gateway: only host names and 127.x.x.x can be; give the connector a url with a host name`,
      )
    }
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new RangeError(`the sandbox cannot listen for ${host} on port ${port}: it must be between 1 and 65535`)
    }
    let address = LOOPBACK.test(host) ? host : host === 'localhost' ? '127.0.0.1' : addresses.get(host)
    if (!address) {
      const n = addresses.size
      address = `127.0.${1 + Math.floor(n / 254)}.${1 + (n % 254)}`
      addresses.set(host, address)
    }
    return { host, port, address }
  })
  return { key: JSON.stringify(sorted), hosts: addressed }
}

export interface ContainerPlan {
  readonly image: string
  /** Also the gid. One per live container: limits that the kernel keeps per user must not be shared. */
  readonly uid: number
  readonly hosts: HostSet
  /** Host directory bound at GATEWAY_DIR. */
  readonly gatewayDir: string
  readonly seccomp: SeccompProfile
  readonly limits: SandboxLimits
  readonly installation: string
  readonly owner: string
}

/** Unique on the engine, so that two live containers with one uid are refused by Docker itself. */
export function toContainerName(uid: number): string {
  return `recourse-sandbox-${uid}`
}

export function toContainerSpec(plan: ContainerPlan): ContainerCreateOptions {
  const { uid, limits } = plan
  const names = new Map(
    plan.hosts.hosts
      .filter(({ host, address }) => host !== address && host !== 'localhost')
      .map((h) => [h.host, h.address]),
  )
  const tmpfs = (size: number): string => `rw,noexec,nosuid,nodev,size=${size},nr_inodes=${limits.inodes}`
  return {
    name: toContainerName(uid),
    Image: plan.image,
    Cmd: ['/usr/bin/python3', '-I', '-B', '/opt/recourse/runner.py', JSON.stringify(plan.hosts.hosts)],
    Entrypoint: [],
    User: `${uid}:${uid}`,
    WorkingDir: '/',
    Hostname: 'sandbox',
    Env: [
      'PATH=/usr/local/bin:/usr/bin:/bin',
      'HOME=/work',
      'TMPDIR=/tmp',
      'USER=sandbox',
      'LOGNAME=sandbox',
      'LANG=C.UTF-8',
      'PYTHONPATH=/opt/recourse/python',
      'PYTHONUNBUFFERED=1',
      'PYTHONDONTWRITEBYTECODE=1',
    ],
    Labels: { [LABELS.installation]: plan.installation, [LABELS.owner]: plan.owner, [LABELS.uid]: String(uid) },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    // Stdin ends with the driver's connection: a container whose driver died ends by itself.
    StdinOnce: true,
    Tty: false,
    StopTimeout: 1,
    HostConfig: {
      NetworkMode: 'none',
      // Names that are not ours fail at once instead of waiting for a resolver that cannot be reached.
      Dns: ['127.0.0.1'],
      DnsOptions: ['timeout:1', 'attempts:1'],
      ExtraHosts: [...names].map(([host, address]) => `${host}:${address}`),
      Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges', `seccomp=${JSON.stringify(plan.seccomp)}`],
      Privileged: false,
      IpcMode: 'private',
      Init: false,
      AutoRemove: false,
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      PidsLimit: limits.pids,
      NanoCpus: Math.round(limits.cpus * 1e9),
      ShmSize: 16 * 2 ** 20,
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: 1024, Hard: 1024 },
      ],
      Tmpfs: {
        '/tmp': `${tmpfs(limits.tmpBytes)},mode=1777`,
        '/work': `${tmpfs(limits.workBytes)},mode=0700,uid=${uid},gid=${uid}`,
      },
      Binds: [`${plan.gatewayDir}:${GATEWAY_DIR}:ro`],
    },
  }
}
