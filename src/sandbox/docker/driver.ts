import path from 'node:path'
import type { SandboxDriver, SandboxJob, SandboxResult } from '../driver.ts'
import { createEngine } from './engine.ts'
import type { Owner } from './owner.ts'
import { claimOwner } from './owner.ts'
import type { HostSet, SandboxLimits } from './spec.ts'
import { DEFAULT_LIMITS, toHostSet } from './spec.ts'
import { createPool } from './pool.ts'
import type { SeccompProfile } from './seccomp.ts'
import { toSeccompProfile } from './seccomp.ts'
import type { Slot } from './slot.ts'
import { SlotDied, startSlot, toAbortReason } from './slot.ts'
import { sweep } from './sweep.ts'

export interface DockerDriverOptions {
  /** Built from `src/sandbox/image`. */
  readonly image: string
  /**
   * Directory for slots and locks (in a folder `sandbox` of its own), on the file system of the gateway's sockets, seen under the same path by the engine.
   * Drivers that share it are one installation and clean up after each other.
   */
  readonly stateDir: string
  /** Containers kept started for each set of hosts. Default 2; 0 starts each when it is needed. */
  readonly poolSize?: number
  /** Containers kept started altogether. Default 8. */
  readonly maxIdle?: number
  readonly limits?: Partial<SandboxLimits>
  /** User ids to draw from, one for each live container. Default 60,000 from 600,000. */
  readonly uids?: { readonly first: number; readonly count: number }
  /** Default: what DOCKER_HOST says, else the system's socket. */
  readonly socketPath?: string
}

/** Largest code taken, bytes. */
const MAX_CODE_BYTES = 1 << 20
/** Dead warm containers passed over before a job gives up. */
const WARM_DEATHS = 3

/** Runs code in single-use Docker containers. `run` and `warm` throw SandboxUnavailable where none can be had. */
export function createDockerDriver(options: DockerDriverOptions): SandboxDriver {
  const engine = createEngine(options.socketPath)
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const uids = options.uids ?? { first: 600_000, count: 60_000 }
  const closing = new AbortController()
  const jobs = new Set<Promise<SandboxResult>>()
  const removals = new Set<Promise<void>>()
  /** Slots whose container could not be removed, because the engine was away. */
  const leftovers = new Set<Slot>()
  const stateDir = path.resolve(options.stateDir, 'sandbox')
  let opening: Promise<{ owner: Owner; seccomp: SeccompProfile }> | null = null
  let closed: Promise<void> | null = null

  const openOnce = async (): Promise<{ owner: Owner; seccomp: SeccompProfile }> => {
    const version = await engine.call('reach the Docker engine', engine.docker.version())
    const seccomp = toSeccompProfile(version.Arch)
    const owner = await claimOwner(stateDir)
    try {
      await sweep(engine, stateDir, owner.installation)
    } catch (error) {
      await owner.release()
      throw error
    }
    return { owner, seccomp }
  }
  const open = (): Promise<{ owner: Owner; seccomp: SeccompProfile }> => {
    opening ??= openOnce().catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }

  const pool = createPool<HostSet, Slot>({
    async start(hosts) {
      const { owner, seccomp } = await open()
      const plan = { image: options.image, hosts, seccomp, limits, installation: owner.installation, owner: owner.id }
      const slot = await startSlot({ engine, plan, slots: owner.slots, uids })
      return { ...slot, dispose: () => remove(slot) }
    },
    perKey: options.poolSize ?? 2,
    maxIdle: options.maxIdle ?? 8,
    concurrency: 4,
    refillConcurrency: 2,
    refillAfterMs: 100,
  })

  const remove = (slot: Slot): Promise<void> => {
    const removal = slot
      .dispose()
      .then(
        () => void leftovers.delete(slot),
        () => void leftovers.add(slot),
      )
      .finally(() => removals.delete(removal))
    removals.add(removal)
    return removal
  }

  const runJob = async (job: SandboxJob): Promise<SandboxResult> => {
    const signal = AbortSignal.any([job.signal, closing.signal])
    if (signal.aborted) return toUnstarted(toAbortReason(signal))
    const size = Buffer.byteLength(job.code)
    if (size > MAX_CODE_BYTES) return toUnstarted(`the code is ${size} bytes long; at most ${MAX_CODE_BYTES} are taken`)
    const hosts = toHostSet(job.hosts)
    for (let tries = 1; ; tries += 1) {
      let slot: Slot | null = null
      try {
        slot = await pool.acquire(hosts, signal)
        return await slot.run(job, signal)
      } catch (error) {
        if (signal.aborted) return toUnstarted(toAbortReason(signal))
        // A warm container may have died unnoticed, as all do when the engine restarts; nothing of the job has run in it.
        if (!(error instanceof SlotDied) || tries > WARM_DEATHS) throw error
      } finally {
        void slot?.dispose()
        for (const leftover of leftovers) void remove(leftover)
      }
    }
  }

  const close = async (): Promise<void> => {
    closing.abort(new Error('the sandbox driver is closing'))
    await Promise.allSettled(jobs)
    await pool.close()
    await Promise.all(removals)
    for (const leftover of leftovers) await remove(leftover)
    const opened = await opening?.catch(() => null)
    await opened?.owner.release()
  }

  return {
    async run(job) {
      const running = runJob(job).finally(() => jobs.delete(running))
      jobs.add(running)
      return await running
    },
    async warm(hosts) {
      await pool.warm(toHostSet(hosts))
    },
    close() {
      return (closed ??= close())
    },
  }
}

/** A job that ended before any of its code ran. */
function toUnstarted(reason: string): SandboxResult {
  const nothing = new Uint8Array()
  return {
    kind: 'killed',
    exitCode: null,
    stdout: nothing,
    stderr: nothing,
    truncated: false,
    result: null,
    durationMs: 0,
    reason,
  }
}
