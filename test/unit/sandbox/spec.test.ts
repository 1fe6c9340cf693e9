import { describe, expect, test } from 'vitest'
import { toSeccompProfile } from '../../../src/sandbox/docker/seccomp.ts'
import { DEFAULT_LIMITS, toContainerSpec, toHostSet } from '../../../src/sandbox/docker/spec.ts'

const at = (host: string, port = 80) => ({ host, port })

describe('hosts', () => {
  test('get one loopback address a name, and a listener a port', () => {
    expect(toHostSet([at('b.example.com'), at('a.example.com', 8080), at('A.example.com', 80)]).hosts).toEqual([
      { host: 'a.example.com', port: 80, address: '127.0.1.1' },
      { host: 'a.example.com', port: 8080, address: '127.0.1.1' },
      { host: 'b.example.com', port: 80, address: '127.0.1.2' },
    ])
  })

  test('equal sets share a key, whatever the order and case; others do not', () => {
    const { key } = toHostSet([at('a'), at('b')])
    expect(toHostSet([at('B'), at('a'), at('b')]).key).toBe(key)
    expect(toHostSet([at('a'), at('b', 81)]).key).not.toBe(key)
    expect(toHostSet([at('a')]).key).not.toBe(key)
  })

  test('beyond 254 names go on in the next network', () => {
    const addresses = toHostSet(Array.from({ length: 600 }, (_, n) => at(`h${n}`))).hosts.map((host) => host.address)
    expect(new Set(addresses).size).toBe(600)
    expect(addresses).toContain('127.0.3.1')
    expect(addresses.every((address) => /^127\.0\.[1-3]\.([1-9]\d?|1\d\d|2[0-4]\d|25[0-4])$/.test(address))).toBe(true)
  })

  test('loopback names keep their address', () => {
    expect(toHostSet([at('localhost', 4010), at('127.0.0.1', 4011)]).hosts.map((host) => host.address)).toEqual([
      '127.0.0.1',
      '127.0.0.1',
    ])
  })

  test.each([
    '',
    'a b',
    'a:1',
    'a\nb',
    '-a',
    'a..b',
    '10.0.0.1',
    '[::1]',
    '*.example.com',
    'é.com',
    `${'a'.repeat(64)}.com`,
  ])('refuses %j', (host) => {
    expect(() => toHostSet([at(host)])).toThrow(/cannot lead/)
  })

  test.each([0, 65536, 1.5, Number.NaN])('refuses port %d', (port) => {
    expect(() => toHostSet([at('a', port)])).toThrow(/between 1 and 65535/)
  })
})

describe('the container', () => {
  const spec = toContainerSpec({
    image: 'image',
    uid: 600_123,
    hosts: toHostSet([at('mail.example.com', 25), at('127.0.0.1', 4010)]),
    gatewayDir: '/state/slots/o/600123',
    seccomp: toSeccompProfile('amd64'),
    limits: DEFAULT_LIMITS,
    installation: 'i',
    owner: 'o',
  })

  test('is closed on every side that Docker can close', () => {
    expect(spec).toMatchObject({
      User: '600123:600123',
      OpenStdin: true,
      StdinOnce: true,
      Tty: false,
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        Privileged: false,
        LogConfig: { Type: 'none' },
        Memory: DEFAULT_LIMITS.memoryBytes,
        MemorySwap: DEFAULT_LIMITS.memoryBytes,
        PidsLimit: DEFAULT_LIMITS.pids,
        NanoCpus: 1e9,
        ExtraHosts: ['mail.example.com:127.0.1.1'],
        Binds: ['/state/slots/o/600123:/run/recourse:ro'],
      },
    })
    expect(spec.HostConfig?.SecurityOpt).toEqual([
      'no-new-privileges',
      expect.stringMatching(/^seccomp=\{"defaultAction":"SCMP_ACT_ERRNO"/),
    ])
    for (const options of Object.values(spec.HostConfig?.Tmpfs ?? {})) {
      expect(options).toMatch(/noexec,nosuid,nodev,size=\d+,nr_inodes=\d+/)
    }
  })
})

describe('the system call filter', () => {
  const profile = toSeccompProfile('amd64')
  const rulesOf = (name: string) => profile.syscalls.filter((rule) => rule.names.includes(name))

  test.each([
    'ptrace',
    'io_uring_setup',
    'bpf',
    'keyctl',
    'userfaultfd',
    'mount',
    'unshare',
    'setns',
    'socketcall',
    'memfd_create',
  ])('has no rule that allows %s', (name) => {
    expect(rulesOf(name)).toEqual([])
  })

  test('allows sockets of four families only, each by an exact value', () => {
    const conditions = rulesOf('socket').map((rule) => rule.args)
    expect(conditions.map((args) => args?.[0])).toEqual(
      [1, 2, 10, 16].map((value) => ({ index: 0, value, op: 'SCMP_CMP_EQ' })),
    )
    expect(conditions[3]).toHaveLength(2)
  })

  test('has one architecture and refuses the ones it was not written for', () => {
    expect(profile.architectures).toEqual(['SCMP_ARCH_X86_64'])
    expect(toSeccompProfile('arm64').architectures).toEqual(['SCMP_ARCH_AARCH64'])
    expect(() => toSeccompProfile('s390x')).toThrow(/runs on s390x.*amd64 or arm64/)
  })
})
