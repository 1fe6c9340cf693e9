import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { DEFAULT_TASK_QUEUE } from '../run/names.ts'

/** An empty variable counts as one that is not set. */
const text = z.string().transform((value) => value.trim() || null)
const optional = text.nullable().default(null)

const Variables = z.object({
  TEMPORAL_ADDRESS: optional.refine((value) => value === null || /^[^\s/]+:\d{1,5}$/.test(value), {
    error: (issue) => `TEMPORAL_ADDRESS is "${String(issue.input)}"; it must be host:port, such as 127.0.0.1:7233`,
  }),
  TEMPORAL_NAMESPACE: optional,
  TEMPORAL_UI_URL: optional,
  OPENAI_BASE_URL: optional,
  OPENAI_API_KEY: optional,
  OPENAI_MODEL: optional,
  RECOURSE_HOME: optional,
  RECOURSE_TASK_QUEUE: optional,
  XDG_CACHE_HOME: optional,
  XDG_STATE_HOME: optional,
  NO_COLOR: optional,
})

/** What the process environment says, parsed once. */
export interface Environment {
  /** `host:port` of a Temporal server to use instead of one of our own. */
  readonly temporalAddress: string | null
  /** `TEMPORAL_NAMESPACE`, else `default`. */
  readonly temporalNamespace: string
  /** Where that server's Web UI is; only known when said. */
  readonly temporalUiUrl: string | null
  readonly openaiBaseUrl: string | null
  readonly openaiApiKey: string | null
  readonly openaiModel: string | null
  /** Prefix of the task queues. */
  readonly taskQueue: string
  /** Directory of what must survive (claims, blobs, logs): `RECOURSE_HOME`, else `recourse` in the XDG state directory. */
  readonly stateDirectory: string
  /** Directory of what can be fetched or built again: `recourse` in the XDG cache directory. */
  readonly cacheDirectory: string
  /** True: no colour, whatever the terminal can do (https://no-color.org). */
  readonly noColor: boolean
  /** The value of any variable, for `env('NAME')` and `secret('NAME')` in a config; null when unset or empty. */
  lookup(name: string): string | null
}

/**
 * Reads the process environment; the only place that does.
 * @throws Error naming the variable when one of them cannot be used.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const parsed = Variables.safeParse(env)
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => issue.message).join('\n'))
  const variables = parsed.data
  const stateHome = variables.XDG_STATE_HOME ?? join(homedir(), '.local', 'state')
  const cacheHome = variables.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return {
    temporalAddress: variables.TEMPORAL_ADDRESS,
    temporalNamespace: variables.TEMPORAL_NAMESPACE ?? 'default',
    temporalUiUrl: variables.TEMPORAL_UI_URL,
    openaiBaseUrl: variables.OPENAI_BASE_URL,
    openaiApiKey: variables.OPENAI_API_KEY,
    openaiModel: variables.OPENAI_MODEL,
    taskQueue: variables.RECOURSE_TASK_QUEUE ?? DEFAULT_TASK_QUEUE,
    stateDirectory: variables.RECOURSE_HOME ?? join(stateHome, 'recourse'),
    cacheDirectory: join(cacheHome, 'recourse'),
    noColor: variables.NO_COLOR !== null,
    lookup: (name) => env[name]?.trim() || null,
  }
}
