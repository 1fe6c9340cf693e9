import { createModelServer } from './app.ts'
import { loadScript } from './script.ts'

export interface StartModelServerOptions {
  /** Path of the script file. */
  readonly script: string
  /** 0: any free port. */
  readonly port: number
  /** Default: 127.0.0.1. */
  readonly host?: string
  readonly log?: (line: string) => void
}

export interface RunningModelServer {
  /** For `baseURL` of a model, e.g. `http://127.0.0.1:4020/v1`. */
  readonly baseURL: string
  readonly port: number
  close(): Promise<void>
}

/** @throws ScriptError for a bad script; Error where the port can not be had. */
export async function startModelServer(options: StartModelServerOptions): Promise<RunningModelServer> {
  const { script, port, host = '127.0.0.1', log } = options
  const app = createModelServer({ entries: await loadScript(script), ...(log ? { log } : {}) })
  let address: string
  try {
    address = await app.listen({ port, host })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`The scripted model can not listen on ${host}:${port}: ${why}. Free the port or choose another.`, {
      cause: error,
    })
  }
  return { baseURL: `${address}/v1`, port: Number(new URL(address).port), close: () => app.close() }
}
