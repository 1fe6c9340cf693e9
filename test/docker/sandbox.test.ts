import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { DockerDriverOptions } from '../../src/sandbox/docker/driver.ts'
import { createDockerDriver } from '../../src/sandbox/docker/driver.ts'
import type { SandboxDriver } from '../../src/sandbox/driver.ts'
import { SandboxLost, SandboxUnavailable } from '../../src/sandbox/unavailable.ts'
import { startEngineProxy } from '../support/engine-proxy.ts'
import { describeSandboxDriver, runCode, toJob } from './driver-contract.ts'

const ENGINE = '/var/run/docker.sock'
const docker = new Docker({ socketPath: ENGINE })
const image = inject('sandboxImage')

const ownContainers = async (stateDir: string) => {
  // The bind of the slot's directory says whose it is, without believing labels.
  const all = await docker.listContainers({ all: true })
  return all.filter((container) => container.Mounts.some((mount) => mount.Source.startsWith(stateDir)))
}

describeSandboxDriver('docker', async (stateDir) => createDockerDriver({ image, stateDir }))
describeSandboxDriver('docker without a pool', async (stateDir) => createDockerDriver({ image, stateDir, poolSize: 0 }))

describe('docker sandbox', () => {
  let stateDir: string
  let driver: SandboxDriver
  const run = (code: string, timeoutMs = 30_000) => runCode(driver, { code, timeoutMs })
  const create = (options: Partial<DockerDriverOptions> = {}) => createDockerDriver({ image, stateDir, ...options })

  beforeAll(async () => {
    stateDir = await mkdtemp(path.join(tmpdir(), 'sbx-'))
    driver = create({
      limits: { memoryBytes: 256 * 2 ** 20, workBytes: 16 * 2 ** 20, tmpBytes: 8 * 2 ** 20, pids: 64 },
    })
  })
  afterAll(async () => {
    await driver.close()
    expect(await ownContainers(stateDir)).toEqual([])
    expect(await readdir(path.join(stateDir, 'sandbox', 'slots'))).toEqual([])
    expect(await readdir(path.join(stateDir, 'sandbox', 'owners'))).toEqual([])
    await rm(stateDir, { recursive: true, force: true })
  })

  test('memory beyond the limit is told apart from any other end', async () => {
    const ran = await run('print("filling", flush=True)\nx = []\nwhile True: x.append(bytearray(10**7))')
    expect(ran).toMatchObject({ kind: 'killed', exitCode: null, stdout: 'filling\n' })
    expect(ran.reason).toMatch(/^out of memory: it may use 256 MiB/)
    expect(await run('import os\nos.kill(os.getpid(), 9)')).toMatchObject({
      kind: 'exited',
      exitCode: 137,
      reason: null,
    })
  })

  test('a fork bomb meets the pids limit and ends with the container', async () => {
    const code = [
      'import os, time',
      'n = 0',
      'try:',
      '    while True:',
      '        if os.fork() == 0: time.sleep(600)',
      '        n += 1',
      'except OSError as error:',
      '    print(error.errno, 30 < n < 64)',
    ].join('\n')
    expect(await run(code)).toMatchObject({ kind: 'exited', exitCode: 0, stdout: '11 True\n' })
  })

  test('disks are small, in bytes and in files, and nothing on them can be executed', async () => {
    const code = [
      'import os, shutil, subprocess',
      'for place, limit in (("/work", 16), ("/tmp", 8)):',
      '    size = 0',
      '    try:',
      '        with open(place + "/big", "wb", buffering=0) as file:',
      '            while True: size += file.write(b"x" * 2**20)',
      '    except OSError as error: print(error.errno, size // 2**20 <= limit)',
      '    os.remove(place + "/big")',
      '    count = 0',
      '    try:',
      '        while True:',
      '            open(f"{place}/{count}", "w").close()',
      '            count += 1',
      '    except OSError as error: print(error.errno, count <= 4096)',
      '    os.remove(place + "/0")',
      '    shutil.copy("/bin/true", place + "/true")',
      '    try: subprocess.run([place + "/true"])',
      '    except PermissionError: print("noexec")',
    ].join('\n')
    expect(await run(code)).toMatchObject({ exitCode: 0, stdout: '28 True\n28 True\nnoexec\n'.repeat(2) })
  })

  test('no capability, no root, no way to gain either; the root is read-only', async () => {
    const code = [
      'import os',
      'status = dict(line.rstrip().split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)',
      'print(*(int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")))',
      'print(status["NoNewPrivs"], status["Seccomp"], os.getuid() == os.getgid() >= 600_000, os.getgroups() in ([], [os.getgid()]))',
      'for path in ("/probe", "/etc/probe", "/opt/recourse/probe", "/run/recourse/probe", "/dev/probe", "/var/tmp/probe"):',
      '    try: open(path, "w"); print("wrote", path)',
      '    except OSError: pass',
      'print(os.path.exists("/var/run/docker.sock"), sorted(os.environ))',
    ].join('\n')
    expect((await run(code)).stdout.split('\n')).toEqual([
      '0 0 0 0 0',
      '1 2 True True',
      expect.stringMatching(/^False \['HOME', 'HOSTNAME', 'LANG', 'LOGNAME', 'PATH', 'PYTHON/),
      '',
    ])
  })

  test('every container has a uid of its own', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => run('import os; print(os.getuid())')))
    expect(new Set(all.map((ran) => ran.stdout)).size).toBe(4)
  })

  test('the system call filter refuses what Docker leaves open', async () => {
    const code = [
      'import ctypes, errno, socket',
      'libc = ctypes.CDLL(None, use_errno=True)',
      'def call(number, *arguments):',
      '    ctypes.set_errno(0)',
      '    answer = libc.syscall(number, *arguments)',
      '    return errno.errorcode[ctypes.get_errno()] if answer == -1 else "allowed"',
      'for name, family in (("vsock", 40), ("alg", 38), ("packet", 17), ("bluetooth", 31)):',
      '    print(name, call(41, family, 1, 0))',
      'print("netlink audit", call(41, 16, 3, 9))',
      'print("netlink route", call(41, 16, 3, 0))',
      'print("unix", call(41, 1, 1, 0))',
      'buffer = ctypes.create_string_buffer(256)',
      'numbers = dict(ptrace=101, io_uring_setup=425, bpf=321, keyctl=250, add_key=248, userfaultfd=323, mount=165, unshare=272,',
      '    setns=308, perf_event_open=298, process_vm_readv=310, memfd_create=319, chroot=161, pidfd_getfd=438, open_by_handle_at=304)',
      'for name, number in numbers.items(): print(name, call(number, buffer, 0, 0, 0, 0))',
      'print("clone with a user namespace", call(56, 0x10000000 | 17, 0, 0, 0, 0))',
      'print("clone3", call(435, buffer, 88))',
    ].join('\n')
    const ran = await run(code)
    const refused = ran.stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ (?=\S+$)/))
    expect(Object.fromEntries(refused)).toEqual({
      ...Object.fromEntries(refused.map(([name]) => [name, 'EPERM'])),
      'netlink route': 'allowed',
      unix: 'allowed',
      clone3: 'ENOSYS',
    })
    expect(refused).toHaveLength(24)
  })

  test('numbers of other architectures are no way around the filter', async () => {
    // x32: the number of socket with its bit set.
    const code = 'import ctypes\nctypes.CDLL(None).syscall(0x40000000 | 41, 40, 1, 0)\nprint("survived")'
    const sigsys = 128 + 31
    expect(await run(code)).toMatchObject({ kind: 'exited', exitCode: sigsys, stdout: '' })
  })

  test('one process of a job cannot read another, nor PID 1', async () => {
    const code = [
      'import os',
      'for what in ("environ", "mem", "fd/0", "maps"):',
      '    try: open(f"/proc/1/{what}", "rb").read(1); print("read", what)',
      '    except OSError: pass',
      'print("end")',
    ].join('\n')
    expect((await run(code)).stdout).toBe('end\n')
  })

  test('a warm container that died is passed over', async () => {
    const warm = create({ poolSize: 1 })
    try {
      await warm.warm([])
      const before = (await ownContainers(stateDir)).map((container) => container.Id)
      const idle = await docker.listContainers({ filters: { label: ['run.recourse.owner'] } })
      for (const { Id } of idle.filter((each) => before.includes(each.Id))) await docker.getContainer(Id).kill()
      expect(await runCode(warm, { code: 'print(1)' })).toMatchObject({ kind: 'exited', stdout: '1\n' })
    } finally {
      await warm.close()
    }
  })

  test('closing ends what runs, and takes nothing more', async () => {
    const other = create()
    const began = Promise.withResolvers<void>()
    const running = other.run(
      toJob({ code: 'print("on")\nimport time\ntime.sleep(600)', onOutput: () => began.resolve() }),
    )
    await began.promise
    await other.close()
    expect(await running).toMatchObject({ kind: 'killed', reason: 'aborted: the sandbox driver is closing' })
    expect((await other.run(toJob({ code: 'print(1)' }))).kind).toBe('killed')
    await expect(other.warm([])).rejects.toThrow('closed')
  })

  test('a container ended from outside is no exit of the code', async () => {
    const job = toJob({
      code: 'print("on")\nimport time\ntime.sleep(600)',
      labels: { run: 'ticket-1' },
      onOutput: () => void endIt(),
    })
    const endIt = async (): Promise<void> => {
      const slots = path.join(stateDir, 'sandbox', 'slots')
      const notes = (await readdir(slots, { recursive: true })).filter((name) => name.endsWith('.json'))
      for (const note of notes) {
        const { container, run: of } = JSON.parse(await readFile(path.join(slots, note), 'utf8')) as Record<
          string,
          string
        >
        if (of === 'ticket-1') await docker.getContainer(container ?? '').kill()
      }
    }
    const error: unknown = await driver.run(job).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SandboxLost)
    expect(String(error)).toContain(
      'the sandbox was lost while the code ran: its container was ended from outside, with 137',
    )
  })

  describe('what a killed driver leaves', () => {
    test('is removed by the next one, while those of a live one stay', async () => {
      const home = await mkdtemp(path.join(tmpdir(), 'sbx-'))
      const live = createDockerDriver({ image, stateDir: home, poolSize: 1 })
      const next = createDockerDriver({ image, stateDir: home, poolSize: 0 })
      try {
        await live.warm([])
        const liveIds = (await ownContainers(home)).map((container) => container.Id)
        expect(liveIds).toHaveLength(1)

        const script = fileURLToPath(new URL('./fixtures/crashing-driver.ts', import.meta.url))
        const crashing = spawn(process.execPath, [script, image, home], { stdio: ['ignore', 'pipe', 'inherit'] })
        await once(crashing.stdout, 'data')
        crashing.kill('SIGKILL')
        await once(crashing, 'exit')
        const left = (await ownContainers(home)).map((container) => container.Id).filter((id) => !liveIds.includes(id))
        expect(left.length).toBeGreaterThan(0)
        // Its stdin was the driver's connection, so even the busy one ends without anybody's help.
        await vi.waitFor(async () => {
          const states = await Promise.all(left.map((id) => docker.getContainer(id).inspect()))
          expect(states.map((each) => each.State.Running)).toEqual(left.map(() => false))
        }, 20_000)

        expect(await runCode(next, { code: 'print(1)' })).toMatchObject({ stdout: '1\n' })
        await next.close()
        expect((await ownContainers(home)).map((container) => container.Id)).toEqual(liveIds)
        expect(await readdir(path.join(home, 'sandbox', 'owners'))).toHaveLength(1)
        expect(await runCode(live, { code: 'print(2)' })).toMatchObject({ stdout: '2\n' })
      } finally {
        await next.close()
        await live.close()
        expect(await ownContainers(home)).toEqual([])
        await rm(home, { recursive: true, force: true })
      }
    })
  })

  describe('the engine', () => {
    test('that cannot be reached is a typed error that says so', async () => {
      const nowhere = create({ socketPath: path.join(stateDir, 'no-engine.sock') })
      const error = await nowhere.run(toJob({ code: 'print(1)' })).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(SandboxUnavailable)
      expect(String(error)).toMatch(
        /could not reach the Docker engine: .*ENOENT.*; the Docker engine cannot be reached; start it/,
      )
      await nowhere.close()
    })

    test('without the image says how to get it', async () => {
      const imageless = create({ image: 'recourse-sandbox:missing' })
      await expect(imageless.warm([])).rejects.toThrow(/build the sandbox image with `recourse up`/)
      await imageless.close()
    })

    test('with an image that does not come up says what it said', async () => {
      const broken = create({ limits: { memoryBytes: 6 * 2 ** 20 } })
      await expect(broken.run(toJob({ code: 'print(1)' }))).rejects.toBeInstanceOf(SandboxUnavailable)
      await broken.close()
    })

    test('that dies in the middle ends the job, and its return ends the container', async () => {
      const proxy = await startEngineProxy(path.join(stateDir, 'engine.sock'))
      const home = await mkdtemp(path.join(tmpdir(), 'sbx-'))
      const fragile = createDockerDriver({ image, stateDir: home, poolSize: 0, socketPath: proxy.path })
      try {
        const began = Promise.withResolvers<void>()
        const running = fragile
          .run(toJob({ code: 'print("on")\nimport time\ntime.sleep(600)', onOutput: () => began.resolve() }))
          .catch((reason: unknown) => reason)
        await began.promise
        await proxy.stop()
        const error = await running
        expect(error).toBeInstanceOf(SandboxLost)
        expect(String(error)).toMatch(/the sandbox was lost while the code ran: .*engine/)
        await expect(fragile.run(toJob({ code: 'print(1)' }))).rejects.toBeInstanceOf(SandboxUnavailable)
        await proxy.start()
        expect(await runCode(fragile, { code: 'print(2)' })).toMatchObject({ stdout: '2\n' })
        await fragile.close()
        expect(await ownContainers(home)).toEqual([])
      } finally {
        await fragile.close()
        await proxy.stop()
        await rm(home, { recursive: true, force: true })
      }
    })
  })

  test('a gateway socket that is gone is a typed error', async () => {
    const job = toJob({ code: 'print(1)', socket: path.join(stateDir, 'closed.sock') })
    await expect(driver.run(job)).rejects.toThrow(/could not lead the sandbox to the gateway socket/)
    await expect(access(path.join(stateDir, 'closed.sock'))).rejects.toThrow('ENOENT')
  })
})
