import { isInteger, isSafeNumber, parse } from 'lossless-json'
import type { Blobs } from '../blobs/blobs.ts'
import type { ToolHttp, ToolRequest, ToolResponse } from '../run/tool.ts'
import type { ConnectorSnapshot } from '../run/agent.ts'
import { toJsonText } from '../run/json.ts'
import type { PerformedEffect } from '../run/ports.ts'
import type { EffectRequest } from '../run/effect.ts'
import { sendRead } from './connectors/http.ts'
import type { Upstreams } from './connectors/http.ts'
import { toAnswerHeaders, toRequestHeaders } from './headers.ts'
import { isMethod, isRead, toCanonicalRequest, toEffectRequest } from './requests.ts'

export interface ToolHttpPorts {
  readonly blobs: Blobs
  readonly upstreams: Upstreams
  /** Performs a mutation as an effect of the run; null: the tool only reads. */
  readonly perform: ((request: EffectRequest) => Promise<PerformedEffect>) | null
  readonly signal: AbortSignal
}

/** A connector as tools see it: declared reads go straight to the service, everything else becomes an effect. */
export function createToolHttp(ports: ToolHttpPorts, connector: ConnectorSnapshot): ToolHttp {
  const request = async (wanted: ToolRequest): Promise<ToolResponse> => {
    ports.signal.throwIfAborted()
    const method = (wanted.method ?? (wanted.body === undefined ? 'GET' : 'POST')).toUpperCase()
    if (!isMethod(method)) throw new Error(`${connector.name}: the method ${method} is not passed on`)
    const canonical = toCanonicalRequest(connector, method, toTarget(wanted))
    if (!canonical.ok) {
      throw new Error(`${connector.name}: ${canonical.reason}; percent-encode what comes from outside`)
    }
    const { bytes, type } = toBody(wanted.body)
    const headers = { ...(type !== null && { 'content-type': type }), ...toRequestHeaders(wanted.headers ?? {}) }
    const what = `${method} ${canonical.request.target} on ${connector.name}`

    if (isRead(canonical.request)) {
      const upstream = ports.upstreams.get(connector.name)
      const { target } = canonical.request
      const answer = await sendRead(upstream, { method, target, headers, body: bytes })
      if (answer.kind !== 'answer' || !answer.complete) throw new Error(`${what} failed: ${answer.reason}`)
      return toResponse(answer.status, toAnswerHeaders(answer.headers), answer.body)
    }
    if (!ports.perform) {
      const hint = `declare the route with "read: true" if it changes nothing, or the tool with effects: 'writes'`
      throw new Error(`${what} is not a declared read, and the tool only reads; ${hint}`)
    }
    const performed = await ports.perform(await toEffectRequest(canonical.request, headers, bytes, ports.blobs))
    switch (performed.kind) {
      case 'answered': {
        const body = performed.body ? await ports.blobs.get(performed.body) : new Uint8Array()
        return toResponse(performed.status, performed.headers, body)
      }
      case 'held': {
        const text = JSON.stringify(performed.body ?? null)
        return toResponse(performed.status, { 'content-type': 'application/json' }, Buffer.from(text, 'utf8'))
      }
      case 'denied':
        throw new Error(`${what} was denied by Recourse's policy: ${performed.reason}`)
      case 'parked':
        throw new Error(`${what} must be approved by a person first: ${performed.reason}`)
      case 'unknown':
        throw new Error(`nobody knows whether ${what} was performed: ${performed.reason}`)
    }
  }
  return {
    request,
    get: (path, options) => request({ ...options, method: 'GET', path }),
    post: (path, body, options) => request({ ...options, method: 'POST', path, body }),
    put: (path, body, options) => request({ ...options, method: 'PUT', path, body }),
    patch: (path, body, options) => request({ ...options, method: 'PATCH', path, body }),
    delete: (path, options) => request({ ...options, method: 'DELETE', path }),
  }
}

function toTarget({ path, query }: ToolRequest): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
  if (pairs.length === 0) return path
  const text = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
  return `${path}${path.includes('?') ? '&' : '?'}${text.join('&')}`
}

function toBody(body: unknown): { bytes: Uint8Array; type: string | null } {
  if (body === undefined) return { bytes: new Uint8Array(), type: null }
  if (body instanceof Uint8Array) return { bytes: body, type: 'application/octet-stream' }
  if (typeof body === 'string') return { bytes: Buffer.from(body, 'utf8'), type: 'text/plain; charset=utf-8' }
  return { bytes: Buffer.from(toJsonText(body), 'utf8'), type: 'application/json' }
}

function toResponse(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): ToolResponse {
  const text = () => Buffer.from(body).toString('utf8')
  return { status, headers, text, json: () => parse(text(), null, toNumber) }
}

/** What a tool's author expects of a number, unless that would change it. */
function toNumber(text: string): number | bigint {
  return isInteger(text) && !isSafeNumber(text) ? BigInt(text) : Number(text)
}
