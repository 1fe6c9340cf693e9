import { setTimeout as delay } from 'node:timers/promises'
import type { Blobs } from '../blobs/blobs.ts'
import type { PerformOutcome, Reading } from '../run/effect.ts'
import type { Json } from '../run/json.ts'
import type { PerformArgs } from '../run/ports.ts'
import { matchRoute, resourceOf, volatileOf } from '../run/routes.ts'
import type { Claims } from './claims/claims.ts'
import { EffectClaim, EffectOutcome } from './claims/effect-claim.ts'
import { effectKey } from './claims/keys.ts'
import type { UpstreamAnswer, Upstreams } from './connectors/http.ts'
import { toAnswerHeaders, toKeyHeader } from './headers.ts'
import { diffImages, equalImages, loadBody, loadImage, toJson } from './images.ts'
import { showsIntended } from './intended.ts'
import { readResource } from './read.ts'
import { concludeByReading, isInconclusive } from './unknown-outcome.ts'

/**
 * Sends effects, each at most once: claim ▸ send ▸ store the outcome in the claim ▸ read the resource.
 *
 * 1. Nothing is sent without having created the claim, and whoever created it sends at most once.
 * 2. The outcome in the claim is the truth; a second arrival answers it.
 * 3. A claim without outcome is never sent again: reading decides, or it stays unknown.
 * 4. A tombstone takes the claim's place: then nothing is sent, whoever still means to.
 */
export interface PerformPorts {
  readonly claims: Claims
  readonly blobs: Blobs
  readonly upstreams: Upstreams
}

export async function perform(ports: PerformPorts, args: PerformArgs): Promise<PerformOutcome> {
  const { claims, blobs, upstreams } = ports
  const { request, compensation, before } = args
  // What can fail without anything having been sent comes before the claim.
  const upstream = upstreams.get(request.connector)
  const body = request.body ? await blobs.get(request.body) : null
  const key = effectKey(args.run, args.effect)
  const path = request.target.split('?', 1)[0] ?? request.target
  const idempotency = toKeyHeader(matchRoute(args.connector, request.method, path)?.route ?? null)
  const value: EffectClaim = { kind: 'send', at: Date.now(), request, compensation, before, idempotency }
  const claim = await claims.create(key, value)
  if (!claim.created) return await fromClaim(ports, args, claim)

  const { method, target, headers } = request
  const answer = await upstream.send({ method, target, headers: { ...headers, ...idempotency }, body })
  if (isInconclusive(answer)) return await conclude(ports, args, answer, value.at)
  const outcome = await toOutcome(answer, blobs)
  await claims.settle(key, outcome)
  return await complete(ports, args, outcome)
}

/** The outcome of an effect that somebody claimed before. */
export async function fromClaim(
  ports: PerformPorts,
  args: PerformArgs,
  claim: { value: unknown; outcome: unknown },
): Promise<PerformOutcome> {
  const value = EffectClaim.parse(claim.value)
  if (value.kind === 'tombstone') return { kind: 'not-sent', reason: value.reason }
  if (claim.outcome !== null) return await complete(ports, args, EffectOutcome.parse(claim.outcome))

  // Whoever claimed it may be about to answer: its outcome counts as long as its deadline runs.
  const { timeoutMs, settleMs } = ports.upstreams.get(args.request.connector)
  const key = effectKey(args.run, args.effect)
  while (Date.now() < value.at + timeoutMs + settleMs) {
    await delay(50)
    const now = await ports.claims.read(key)
    if (now && now.outcome !== null) return await complete(ports, args, EffectOutcome.parse(now.outcome))
  }
  return await conclude(ports, args, null, value.at)
}

/** By the table of unknown outcomes: reading decides, and what it decided is stored; otherwise it stays unknown. */
async function conclude(
  ports: PerformPorts,
  args: PerformArgs,
  answer: UpstreamAnswer | null,
  sentAt: number,
): Promise<PerformOutcome> {
  const answered = answer?.kind === 'answer' ? await toEffectAnswer(answer, ports.blobs) : null
  const why =
    answer === null
      ? 'whoever sent it was lost before the outcome was stored'
      : answer.kind === 'answer'
        ? `${args.request.connector} answered ${answer.status}`
        : answer.reason
  const outcome = await concludeByReading(ports, args, { answered, why, sentAt })
  if (outcome.kind === 'unknown') return outcome
  const key = effectKey(args.run, args.effect)
  await ports.claims.settle(key, outcome)
  // Should another arrival have stored its outcome first, that one is the truth.
  const stored = await ports.claims.read(key)
  return await complete(ports, args, EffectOutcome.parse(stored?.outcome ?? outcome))
}

async function toOutcome(answer: UpstreamAnswer, blobs: Blobs): Promise<EffectOutcome> {
  switch (answer.kind) {
    case 'not-sent':
      return { kind: 'not-sent', reason: `it was not sent: ${answer.reason}` }
    case 'broken':
      throw new Error('a broken exchange has no outcome')
    case 'answer': {
      const stored = await toEffectAnswer(answer, blobs)
      if (answer.status < 400) return { kind: 'performed', answer: stored, inferred: false }
      return { kind: 'refused', answer: stored, reason: `the service refused it with ${answer.status}` }
    }
  }
}

async function toEffectAnswer(answer: Extract<UpstreamAnswer, { kind: 'answer' }>, blobs: Blobs) {
  const headers = toAnswerHeaders(answer.headers)
  const body = answer.body.length === 0 ? null : await blobs.put(answer.body, headers['content-type'] ?? null)
  return { status: answer.status, headers, body }
}

/** Reads the resource afterwards and says what changed. */
async function complete(ports: PerformPorts, args: PerformArgs, outcome: EffectOutcome): Promise<PerformOutcome> {
  if (outcome.kind !== 'performed') return outcome
  const { connector, request, before } = args
  const path = request.target.split('?', 1)[0] ?? request.target
  const match = matchRoute(connector, request.method, path)
  const response = outcome.answer?.body ? await toResponse(outcome.answer.body, ports.blobs) : undefined
  const resource = request.resource ?? resourceOf({ method: request.method, path, match, response })
  if (resource === null) return { ...outcome, resource, after: null, diff: [] }

  const volatile = volatileOf(connector, match?.route ?? null, resource)
  const after = await readAfter(ports, args, resource, volatile)
  // What could not be read before can not be compared; what was not known before the answer is shown as it is.
  const compares = before === null || before.state !== 'unreadable'
  const [old, now] = await Promise.all([loadImage(before, ports.blobs), loadImage(after, ports.blobs)])
  return { ...outcome, resource, after, diff: compares ? diffImages(old, now, volatile) : [] }
}

async function toResponse(stored: Parameters<Blobs['get']>[0], blobs: Blobs): Promise<Json | undefined> {
  return toJson(await blobs.get(stored), stored.type)
}

/** A service may show a write late: a reading that still is the one before, against what was asked, is taken again. */
async function readAfter(
  ports: PerformPorts,
  { connector, request, before }: PerformArgs,
  resource: string,
  volatile: readonly string[],
): Promise<Reading> {
  const first = await readResource(ports, connector, resource)
  const [old, now, body] = await Promise.all([
    loadImage(before, ports.blobs),
    loadImage(first, ports.blobs),
    request.body ? loadBody(request.body, ports.blobs) : null,
  ])
  if (!old || !now || !equalImages(old, now, volatile)) return first
  if (showsIntended(request, body, now, volatile) !== false) return first
  await delay(ports.upstreams.get(connector.name).settleMs)
  return await readResource(ports, connector, resource)
}
