import { Agent, buildConnector } from 'undici'
import type { Method } from '../../run/agent.ts'

/** Where a connector's requests really go. Egress alone has these: they hold the credential. */
export interface HttpUpstream {
  readonly name: string
  /** Origin as code calls it; its host is the Host header the service sees. */
  readonly url: string
  /** Origin that is really dialled. */
  readonly upstream: string
  readonly auth?: { readonly bearer: string } | { readonly header: { readonly name: string; readonly value: string } }
  /** Deadline of one request, milliseconds. Default 10,000. */
  readonly timeoutMs?: number
  /** Milliseconds until a write shows in the service's reads. Default 500. */
  readonly settleMs?: number
}

export interface UpstreamRequest {
  readonly method: Method
  /** Canonical path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
}

export type UpstreamAnswer =
  /** `complete` false: the status line came, the body broke off or was too large, and `body` is empty. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Readonly<Record<string, string | string[] | undefined>>
      readonly body: Uint8Array
      readonly complete: boolean
      /** Why the body is not complete. */
      readonly reason: string | null
    }
  /** No connection came about: certainly not sent. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** It broke after something may have been sent: nobody knows. */
  | { readonly kind: 'broken'; readonly reason: string }

export interface Upstream {
  readonly name: string
  readonly timeoutMs: number
  readonly settleMs: number
  /** Sends once. Never throws for what a service or a network does, follows no redirect, asks for no encoding. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>
}

export interface Upstreams {
  /** @throws Error when the connector has no upstream here. */
  get(connector: string): Upstream
  close(): Promise<void>
}

/** Longest answer, bytes. */
export const ANSWER_LIMIT = 8 * 1024 * 1024

/** Clients for the services, one pool of kept-alive connections each. */
export function createHttpUpstreams(config: Readonly<Record<string, HttpUpstream>>): Upstreams {
  const upstreams = new Map(Object.entries(config).map(([name, each]) => [name, createHttpUpstream(each)]))
  return {
    get(connector) {
      const upstream = upstreams.get(connector)
      if (upstream) return upstream
      throw new Error(
        `connector "${connector}" has no upstream in this worker; does it run with the config of the run?`,
      )
    },
    async close() {
      await Promise.all([...upstreams.values()].map((each) => each.close()))
    },
  }
}

function createHttpUpstream(config: HttpUpstream): Upstream & { close(): Promise<void> } {
  const { timeoutMs = 10_000, settleMs = 500 } = config
  // Errors of connecting are told apart by where they come from, not by a list of codes that is never complete.
  const connecting = new WeakSet<object>()
  const connect = buildConnector({ timeout: Math.min(timeoutMs, 5_000) })
  const agent = new Agent({
    connections: 128,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (options, callback) =>
      connect(options, (...result) => {
        if (result[0]) connecting.add(result[0])
        callback(...result)
      }),
  })
  const { origin } = new URL(config.upstream)
  const fixed = {
    host: new URL(config.url).host,
    'user-agent': 'recourse',
    'accept-encoding': 'identity',
    ...toCredential(config.auth),
  }

  return {
    name: config.name,
    timeoutMs,
    settleMs,
    close: () => agent.destroy(),
    async send({ method, target, headers, body }) {
      const signal = AbortSignal.timeout(timeoutMs)
      const explain = (error: unknown) =>
        signal.aborted ? `${config.name} did not answer within ${timeoutMs} ms` : `${config.name}: ${describe(error)}`
      let answer
      try {
        answer = await agent.request({
          origin,
          path: target,
          method,
          headers: { ...headers, ...fixed },
          body: body === null || body.length === 0 ? null : body,
          signal,
        })
      } catch (error) {
        const kind = typeof error === 'object' && error !== null && connecting.has(error) ? 'not-sent' : 'broken'
        return { kind, reason: explain(error) }
      }
      const { statusCode: status, headers: received } = answer
      const incomplete = (reason: string): UpstreamAnswer => {
        answer.body.destroy()
        return { kind: 'answer', status, headers: received, body: new Uint8Array(), complete: false, reason }
      }
      const chunks: Buffer[] = []
      let size = 0
      try {
        for await (const chunk of answer.body as AsyncIterable<Buffer>) {
          size += chunk.length
          if (size > ANSWER_LIMIT) return incomplete(`${config.name} answered more than ${ANSWER_LIMIT} bytes`)
          chunks.push(chunk)
        }
      } catch (error) {
        return incomplete(`${explain(error)} in the middle of its answer`)
      }
      const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
      return { kind: 'answer', status, headers: received, body: whole, complete: true, reason: null }
    },
  }
}

/** Sends what changes nothing, once more where the connection broke: a kept-alive one may have been closed just then. */
export async function sendRead(upstream: Upstream, request: UpstreamRequest): Promise<UpstreamAnswer> {
  const started = performance.now()
  const answer = await upstream.send(request)
  const timedOut = performance.now() - started >= upstream.timeoutMs
  return answer.kind === 'broken' && !timedOut ? await upstream.send(request) : answer
}

function toCredential(auth: HttpUpstream['auth']): Record<string, string> {
  if (!auth) return {}
  if ('bearer' in auth) return { authorization: `Bearer ${auth.bearer}` }
  return { [auth.header.name.toLowerCase()]: auth.header.value }
}

/** Never the error as it is: it may quote headers. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection failed'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  if (code === 'ECONNREFUSED') return 'the connection was refused; is the service up?'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name could not be resolved'
  return `the connection failed (${code})`
}
