import type { z } from 'zod'
import type { HttpConnector } from './schema.ts'

/** What `http` takes. */
export type HttpOptions = Omit<z.input<typeof HttpConnector>, 'kind'>

/**
 * An HTTP service that a run may touch. Only routes that `openapi` describes or `routes` declares follow the agent's
 * `effects` permission.
 */
export function http(options: HttpOptions): z.input<typeof HttpConnector> {
  return { kind: 'http', ...options }
}
