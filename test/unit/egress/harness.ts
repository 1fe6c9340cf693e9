import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDirectoryBlobs } from '../../../src/blobs/directory.ts'
import { createDirectoryClaims } from '../../../src/egress/claims/directory.ts'
import { createHttpUpstreams } from '../../../src/egress/connectors/http.ts'
import type { HttpUpstream } from '../../../src/egress/connectors/http.ts'
import { createEgress } from '../../../src/egress/egress.ts'
import type { EgressPorts } from '../../../src/egress/egress.ts'
import type { Exchange } from '../../../src/egress/gateway/handle.ts'
import type { ConnectorSnapshot, Method, RouteSpec } from '../../../src/run/agent.ts'
import { chooseCompensation } from '../../../src/run/compensation.ts'
import type { Effect, EffectRequest, PerformOutcome } from '../../../src/run/effect.ts'
import type { PerformArgs, PerformedEffect } from '../../../src/run/ports.ts'
import { resourceOf, matchRoute } from '../../../src/run/routes.ts'
import { startService } from './service.ts'

export function route(text: string, more: Partial<RouteSpec> = {}): RouteSpec {
  const [method, template] = text.split(' ') as [Method, string]
  const read = method === 'GET' || method === 'HEAD'
  return { route: text, method, template, read, volatile: [], irreversible: false, ...more }
}

export const CRUD = [
  route('GET /events/{id}', { volatile: ['updatedAt'] }),
  route('POST /events', {
    resource: '/events/{response.id}',
    undo: { method: 'DELETE', template: '/events/{response.id}' },
  }),
  route('PUT /events/{id}'),
  route('PATCH /events/{id}'),
  route('DELETE /events/{id}'),
]

export function toConnector(
  routes: readonly RouteSpec[] = CRUD,
  url = 'http://calendar.example.com',
): ConnectorSnapshot {
  const { hostname, port } = new URL(url)
  return { name: 'calendar', kind: 'http', url, host: hostname, port: Number(port) || 80, routes }
}

export type Harness = Awaited<ReturnType<typeof createHarness>>

/** The real role egress against a real service. Only the workflow is played by a few lines: before ▸ compensation ▸ perform. */
export async function createHarness(
  options: {
    routes?: readonly RouteSpec[]
    url?: string
    upstream?: Partial<HttpUpstream>
    tools?: EgressPorts['tools']
    performEffect?: EgressPorts['performEffect']
  } = {},
) {
  const service = await startService()
  const stateDir = await mkdtemp(join(tmpdir(), 'eg-'))
  const connector = toConnector(options.routes, options.url)
  const claims = createDirectoryClaims(join(stateDir, 'claims'))
  const blobs = createDirectoryBlobs(join(stateDir, 'blobs'))
  const upstream = { name: 'calendar', url: connector.url, upstream: service.origin, timeoutMs: 300, settleMs: 1 }
  const upstreams = createHttpUpstreams({ calendar: { ...upstream, ...options.upstream } })
  const effects: Effect[] = []
  const exchanges: Exchange[] = []
  const begun: string[] = []

  const toArgs = async (request: EffectRequest): Promise<PerformArgs> => {
    const before =
      request.resource === null
        ? null
        : await egress.captureBefore({ run: 'run', connector, resource: request.resource })
    const declared = connector.routes.find((each) => each.route === request.route) ?? null
    const compensation = chooseCompensation({ connector, route: declared, request, before })
    return { run: 'run', effect: `s1.1.${effects.length + 1}`, connector, request, compensation, before }
  }
  const take = (args: PerformArgs, outcome: PerformOutcome): Effect => {
    const performed = outcome.kind === 'performed' ? outcome : null
    const effect: Effect = {
      id: args.effect,
      step: 's1',
      generation: 1,
      request: args.request,
      permission: 'allow',
      announced: true,
      compensation: args.compensation,
      state: outcome.kind === 'not-sent' ? 'discarded' : outcome.kind,
      before: args.before,
      after: performed?.after ?? null,
      resource: performed?.resource ?? args.request.resource,
      answer: outcome.kind === 'performed' || outcome.kind === 'refused' ? outcome.answer : null,
      inferred: performed?.inferred ?? false,
      diff: performed?.diff ?? [],
      guard: null,
      verdict: null,
      note: 'reason' in outcome ? outcome.reason : null,
      completed: null,
    }
    effects.push(effect)
    return effect
  }
  const performEffect = async (_run: string, { request }: { request: EffectRequest }): Promise<PerformedEffect> => {
    const args = await toArgs(request)
    const effect = take(args, await egress.perform(args))
    if (effect.answer) return { kind: 'answered', effect: effect.id, ...effect.answer }
    if (effect.state === 'unknown') return { kind: 'unknown', effect: effect.id, reason: effect.note ?? '' }
    return { kind: 'denied', reason: effect.note ?? '' }
  }
  const egress = createEgress({
    stateDir,
    claims,
    blobs,
    upstreams,
    tools: options.tools ?? {},
    performEffect: options.performEffect ?? performEffect,
    beginAttempt: async (_run, { attempt }) => {
      begun.push(attempt)
      return { socket: '' }
    },
    onExchange: (exchange) => void exchanges.push(exchange),
  })

  /** A request in canonical form, as the gateway would make it. */
  const toRequest = async (method: Method, path: string, body?: string, headers = {}): Promise<EffectRequest> => {
    const match = matchRoute(connector, method, path)
    const type = 'application/json'
    return {
      connector: connector.name,
      method,
      target: path,
      route: match?.route.route ?? null,
      headers: { ...(body !== undefined && { 'content-type': type }), ...headers },
      body: body === undefined ? null : await blobs.put(Buffer.from(body, 'utf8'), type),
      resource: resourceOf({ method, path, match }),
    }
  }
  return {
    service,
    stateDir,
    connector,
    claims,
    blobs,
    egress,
    effects,
    exchanges,
    begun,
    toRequest,
    toArgs,
    take,
    /** Performs one effect as a run would. */
    async effect(method: Method, path: string, body?: string, headers = {}): Promise<Effect> {
      const args = await toArgs(await toRequest(method, path, body, headers))
      return take(args, await egress.perform(args))
    },
    undo: (effect: Effect, force = false) => egress.undo({ run: 'run', effect, connector, force }),
    async open(): Promise<string> {
      const attempt = `attempt-${exchanges.length}`
      const { socket } = await egress.openSession({
        run: 'run',
        step: 's1',
        generation: 1,
        attempt,
        connectors: [connector],
      })
      return socket
    },
    async close() {
      await egress.close()
      await service.close()
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}
