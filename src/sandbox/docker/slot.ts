import type { Duplex } from 'node:stream'
import { chmod, link, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type Docker from 'dockerode'
import { z } from 'zod'
import type { SandboxJob, SandboxResult } from '../driver.ts'
import { SandboxLost, SandboxUnavailable } from '../unavailable.ts'
import { createDemultiplexer } from './attach-stream.ts'
import type { Engine } from './engine.ts'
import { toStatus } from './engine.ts'
import type { Frame } from './frames.ts'
import { createFrameReader, toBytes, toResultText } from './frames.ts'
import type { Pooled } from './pool.ts'
import type { ContainerPlan } from './spec.ts'
import { toContainerSpec } from './spec.ts'
import { removeContainer } from './sweep.ts'
import { createTail } from './tail.ts'

/**
 * One container, used once.
 *
 *   create ▸ attach ▸ start ▸ `ready` ▸ (idle) ▸ job written ▸ output ▸ the container's exit ▸ removed
 *
 * Only the exit that the engine reports ends a job. Every wait has a deadline, so an engine that dies is an outcome too.
 */
export interface Slot extends Pooled {
  run(job: SandboxJob, signal: AbortSignal): Promise<SandboxResult>
}

/** Kept of each of stdout and stderr, bytes: the last part. */
export const OUTPUT_BYTES = 256 * 1024
/** Beyond this much on the wire, bytes, a container is killed. */
export const FLOOD_BYTES = 64 * 2 ** 20
/** The runner paces itself far below this; more frames are forged. */
const FLOOD_FRAMES = 500_000

/** Exit code by which the runner says that time was up; believed only where the host's clock agrees. */
const EXIT_TIMEOUT = 124
const EXIT_KILLED = 137
/** Time the runner has to end the job itself before the container is killed, milliseconds. */
const GRACE_MS = 1_500
const READY_MS = 60_000
/** Node's timers hold no more than 2^31 - 1 milliseconds. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1 - GRACE_MS
const KILL_MS = 10_000
const DRAIN_MS = 2_000
const UID_TRIES = 20

/** The container was dead before it took the job: another one will do. */
export class SlotDied extends SandboxUnavailable {}

export interface SlotOptions {
  readonly engine: Engine
  readonly plan: Omit<ContainerPlan, 'uid' | 'gatewayDir'>
  /** Directory for this owner's slots. */
  readonly slots: string
  readonly uids: { readonly first: number; readonly count: number }
}

type Exit = { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'lost'; readonly reason: string }
type Cause = { readonly kind: 'timeout' | 'killed'; readonly reason: string }

const WaitAnswer = z.object({ StatusCode: z.int() })

/** @throws SandboxUnavailable */
export async function startSlot(options: SlotOptions): Promise<Slot> {
  const { engine } = options
  const { container, dir } = await createContainer(options)
  const remove = async (): Promise<void> => {
    // First the way out: an engine that is away may leave the container running for a while.
    await rm(dir, { recursive: true, force: true })
    await removeContainer(engine, container.id)
    await rm(toNote(dir), { force: true })
  }
  try {
    return await attachAndStart(engine, container, dir, remove, options.plan.limits.memoryBytes)
  } catch (error) {
    await remove().catch(() => undefined)
    throw error
  }
}

async function createContainer({
  engine,
  plan,
  slots,
  uids,
}: SlotOptions): Promise<{ container: Docker.Container; dir: string }> {
  for (let tries = 1; ; tries += 1) {
    const uid = uids.first + Math.floor(Math.random() * uids.count)
    const dir = path.join(slots, String(uid))
    await mkdir(dir, { recursive: true })
    // Enough for any uid to reach the socket by its name, and nothing else.
    await chmod(dir, 0o711)
    try {
      const spec = toContainerSpec({ ...plan, uid, gatewayDir: dir })
      return { container: await engine.call('create a container', engine.docker.createContainer(spec)), dir }
    } catch (error) {
      // 409: the name, and with it the uid, is taken by a live container, maybe of another driver.
      if (toStatus(error) === 409 && tries < UID_TRIES) continue
      await rm(dir, { recursive: true, force: true })
      throw error
    }
  }
}

async function attachAndStart(
  engine: Engine,
  container: Docker.Container,
  dir: string,
  remove: () => Promise<void>,
  memoryBytes: number,
): Promise<Slot> {
  const stream = (await engine.call(
    'attach to a container',
    container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
  )) as Duplex
  const streamEnded = new Promise<void>((resolve) => {
    stream.once('close', resolve)
    stream.once('end', resolve)
    stream.on('error', () => resolve())
  })

  const ready = Promise.withResolvers<'ready'>()
  const noise = createTail(4096)
  let onFrame = (frame: Frame): void => {
    if (frame.t === 'ready') ready.resolve('ready')
  }
  let onBroken = (): void => undefined
  let onWire = (_bytes: number): void => undefined
  let takesOutput = true
  const frames = createFrameReader({ onFrame: (frame) => onFrame(frame), onBroken: () => onBroken() })
  const demultiplex = createDemultiplexer((source, bytes) => {
    if (source === 'stdout') frames.push(bytes)
    else noise.push(Uint8Array.from(bytes))
  })
  stream.on('data', (chunk: Uint8Array) => {
    // Read on even so: a stream that nobody reads holds up the engine.
    if (!takesOutput) return
    onWire(chunk.length)
    demultiplex(chunk)
  })

  const exited = watchExit(engine, container, streamEnded)
  const stop = async (): Promise<void> => {
    await engine.call('kill a container', container.kill(), KILL_MS).catch(() => undefined)
  }
  await engine.call('start a container', container.start())
  const first = await engine.call('start the runner', Promise.race([ready.promise, exited]), READY_MS)
  if (first !== 'ready') {
    const said = Buffer.from(noise.bytes()).toString('utf8').trim()
    const how = first.kind === 'exit' ? `it exited with ${first.code}` : first.reason
    throw new SandboxUnavailable(
      `the sandbox image did not come up: ${how}${said ? `: ${said}` : ''}; rebuild it with \`recourse up\``,
    )
  }

  return {
    died: exited.then(() => undefined),
    async dispose() {
      stream.destroy()
      await remove()
    },
    async run(job, signal) {
      // Labels of a container are fixed before its job is known; this is where an operator finds which run it serves.
      await writeFile(toNote(dir), JSON.stringify({ container: container.id, ...job.labels }))
      if (job.socket !== null) await linkSocket(job.socket, path.join(dir, 'gateway.sock'))
      const stdout = createTail(OUTPUT_BYTES)
      const stderr = createTail(OUTPUT_BYTES)
      let result: string | null = null
      let begun = false
      let broken = false
      let finished: { readonly oom: boolean } | null = null
      let wire = 0
      let count = 0
      let cause: Cause | null = null
      const killed = Promise.withResolvers<Exit>()
      const timers: NodeJS.Timeout[] = []

      const end = (why: Cause): void => {
        if (cause) return
        cause = why
        // Whatever the code still calls for is refused from now on, even if the engine cannot kill it.
        void rm(path.join(dir, 'gateway.sock'), { force: true })
        void stop()
        timers.push(setTimeout(() => killed.resolve({ kind: 'lost', reason: 'it could not be killed' }), KILL_MS))
      }
      const flooded = (): void => {
        takesOutput = false
        end({ kind: 'killed', reason: `it wrote more than ${FLOOD_BYTES / 2 ** 20} MiB of output` })
      }
      onWire = (bytes) => {
        wire += bytes
        if (wire > FLOOD_BYTES) flooded()
      }
      onBroken = () => {
        broken = true
        if ((count += 1) > FLOOD_FRAMES) flooded()
      }
      onFrame = (frame) => {
        if ((count += 1) > FLOOD_FRAMES) return flooded()
        if (frame.t === 'out' || frame.t === 'err') {
          const bytes = toBytes(frame)
          const name = frame.t === 'out' ? 'stdout' : 'stderr'
          ;(name === 'stdout' ? stdout : stderr).push(bytes)
          job.onOutput?.(name, bytes)
        } else if (frame.t === 'result') {
          result = toResultText(frame) ?? result
        } else if (frame.t === 'exit') {
          finished = frame
        } else if (frame.t === 'begun') {
          begun = true
        }
      }

      const { language, code } = job
      const timeoutMs = Math.min(job.timeoutMs, MAX_TIMEOUT_MS)
      const started = performance.now()
      const onAbort = (): void => end({ kind: 'killed', reason: toAbortReason(signal) })
      signal.addEventListener('abort', onAbort, { once: true })
      timers.push(setTimeout(() => end({ kind: 'timeout', reason: 'time was up' }), timeoutMs + GRACE_MS))
      if (signal.aborted) onAbort()
      else stream.write(`${JSON.stringify({ language, code: code.toWellFormed(), timeoutMs })}\n`)

      const exit = await Promise.race([exited, killed.promise])
      const durationMs = performance.now() - started
      for (const timer of timers) clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if (exit.kind === 'exit') {
        await within(streamEnded, DRAIN_MS)
        if (!begun && !cause)
          throw new SlotDied(`the container ended with ${exit.code} before it took the job; try again`)
      }

      // The runner's own words, if it had trouble: the job cannot write there.
      stderr.push(noise.bytes())
      const ending = await toEnding({
        exit,
        cause,
        timeIsUp: durationMs >= timeoutMs,
        finished,
        memoryBytes,
        wasOutOfMemory: () => wasOutOfMemory(engine, container),
      })
      return {
        ...ending,
        stdout: stdout.bytes(),
        stderr: stderr.bytes(),
        truncated: stdout.truncated || stderr.truncated || broken,
        result,
        durationMs,
      }
    },
  }
}

/** The container's exit as the engine reports it; `lost` where it no longer can. Never rejects. */
async function watchExit(engine: Engine, container: Docker.Container, streamEnded: Promise<void>): Promise<Exit> {
  const waited: Promise<Exit> = container.wait({ condition: 'next-exit' }).then(
    (answer: unknown) => ({ kind: 'exit', code: WaitAnswer.parse(answer).StatusCode }),
    (error: unknown) => ({ kind: 'lost', reason: `the Docker engine stopped answering: ${String(error)}` }),
  )
  // An exit before the wait was registered is never reported; the stream's end then makes it visible.
  const inspected = (async (): Promise<Exit> => {
    await streamEnded
    const exit = await within(waited, DRAIN_MS)
    if (exit) return exit
    try {
      const { State } = await engine.call('inspect a container', container.inspect())
      if (!State.Running) return { kind: 'exit', code: State.ExitCode }
      return { kind: 'lost', reason: 'the connection to the container was lost' }
    } catch (error) {
      return { kind: 'lost', reason: String(error) }
    }
  })()
  return await Promise.race([waited, inspected])
}

async function wasOutOfMemory(engine: Engine, container: Docker.Container): Promise<boolean> {
  try {
    return (await engine.call('inspect a container', container.inspect())).State.OOMKilled
  } catch {
    return false
  }
}

/**
 * How a run ended, from what the host itself knows. A frame can only make it look worse.
 * @throws SandboxLost
 */
async function toEnding(seen: {
  readonly exit: Exit
  readonly cause: Cause | null
  readonly timeIsUp: boolean
  /** What the runner said last; null: it was ended before it could. */
  readonly finished: { readonly oom: boolean } | null
  readonly memoryBytes: number
  wasOutOfMemory(): Promise<boolean>
}): Promise<Pick<SandboxResult, 'kind' | 'exitCode' | 'reason'>> {
  const { exit, cause, finished } = seen
  const killed = (reason: string) => ({ kind: 'killed' as const, exitCode: null, reason })
  if (cause) return { kind: cause.kind, exitCode: null, reason: cause.reason }
  if (exit.kind === 'lost') throw new SandboxLost(`the sandbox was lost while the code ran: ${exit.reason}`)
  if (exit.code === EXIT_TIMEOUT && seen.timeIsUp) return { kind: 'timeout', exitCode: null, reason: 'time was up' }
  if (exit.code === EXIT_KILLED && (finished?.oom || (await seen.wasOutOfMemory()))) {
    const mebibytes = Math.floor(seen.memoryBytes / 2 ** 20)
    return killed(`out of memory: it may use ${mebibytes} MiB, its files in /work and /tmp included`)
  }
  if (!finished) {
    throw new SandboxLost(
      `the sandbox was lost while the code ran: its container was ended from outside, with ${exit.code}`,
    )
  }
  return { kind: 'exited', exitCode: exit.code, reason: null }
}

function toNote(dir: string): string {
  return `${dir}.json`
}

/** A unix socket is reached by its inode, so a second name in a directory bound long before leads to it just as well. */
async function linkSocket(socket: string, name: string): Promise<void> {
  try {
    await link(socket, name)
  } catch (error) {
    throw new SandboxUnavailable(
      `could not lead the sandbox to the gateway socket ${socket}: ${String(error)}; ` +
        'it must exist, belong to this user and lie on the same file system as the sandbox state directory',
      { cause: error },
    )
  }
}

export function toAbortReason(signal: AbortSignal): string {
  const why: unknown = signal.reason
  return `aborted: ${why instanceof Error ? why.message : String(why)}`
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, ms, null)))
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
