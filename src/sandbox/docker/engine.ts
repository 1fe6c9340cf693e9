import { setTimeout as delay } from 'node:timers/promises'
import http from 'node:http'
import Docker from 'dockerode'
import { z } from 'zod'
import { SandboxUnavailable } from '../unavailable.ts'

/** How long the engine may take for one call before it counts as gone, milliseconds. */
const CALL_MS = 30_000

export interface Engine {
  readonly docker: Docker
  /**
   * Makes one call, never for ever.
   * @throws SandboxUnavailable saying what could not be done.
   */
  call<T>(what: string, promise: Promise<T>, withinMs?: number): Promise<T>
}

export function createEngine(socketPath: string | undefined): Engine {
  // Without keep-alive: after the engine restarted, a kept connection would fail the first call.
  const local = { socketPath, agent: new http.Agent({ keepAlive: false }) }
  const docker = socketPath ? new Docker(local) : new Docker()
  return {
    docker,
    async call(what, promise, withinMs = CALL_MS) {
      const timer = new AbortController()
      try {
        const late = delay(withinMs, null, { signal: timer.signal, ref: false }).then(() => {
          throw new Error(`no answer within ${withinMs / 1000} s`)
        })
        return await Promise.race([promise, late])
      } catch (error) {
        throw toUnavailable(what, error)
      } finally {
        timer.abort()
      }
    },
  }
}

const EngineError = z.object({ statusCode: z.number().optional(), code: z.string().optional(), message: z.string() })

/** HTTP status of a refused call; null where there was no answer. */
export function toStatus(error: unknown): number | null {
  const cause = error instanceof SandboxUnavailable ? error.cause : error
  return EngineError.safeParse(cause).data?.statusCode ?? null
}

function toUnavailable(what: string, error: unknown): SandboxUnavailable {
  const parsed = EngineError.safeParse(error).data
  const message = parsed?.message ?? String(error)
  const unreachable = parsed?.code === 'ECONNREFUSED' || parsed?.code === 'ENOENT' || parsed?.code === 'EACCES'
  const advice = unreachable
    ? 'the Docker engine cannot be reached; start it, or give this user access to it'
    : parsed?.statusCode === 404 && message.includes('image')
      ? 'build the sandbox image with `recourse up`'
      : 'see `docker info` and the log of the engine'
  return new SandboxUnavailable(`could not ${what}: ${message.trim()}; ${advice}`, { cause: error })
}
