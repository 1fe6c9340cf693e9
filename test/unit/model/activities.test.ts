import { createHash } from 'node:crypto'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { asyncLocalStorage, Context } from '@temporalio/activity'
import { afterEach, describe, expect, test } from 'vitest'
import { createModelActivities, type VetRules } from '../../../src/activities/model.ts'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { createModelServer } from '../../../src/model/server/app.ts'
import { parseScript } from '../../../src/model/server/script.ts'
import { loadPrompts } from '../../../src/model/prompts.ts'
import { INLINE_BYTES, type Stored } from '../../../src/run/stored.ts'
import { agent, step } from './agent.ts'
import { modelsAt } from './provider.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function createMemoryBlobs(): Blobs {
  const kept = new Map<string, Uint8Array>()
  return {
    async put(bytes, type) {
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      kept.set(digest, bytes)
      const text = bytes.length <= INLINE_BYTES ? { text: Buffer.from(bytes).toString('utf8') } : {}
      return { digest, size: bytes.length, type, ...text }
    },
    async get({ digest }) {
      const bytes = kept.get(digest)
      if (!bytes) throw new Error(`no ${digest}`)
      return bytes
    },
  }
}

const allow: VetRules = async () => ({ permission: 'allow', findings: [] })

async function start(script: unknown, vet: VetRules = allow) {
  const app = createModelServer({ entries: parseScript(script, 'test') })
  const baseURL = `${await app.listen({ port: 0, host: '127.0.0.1' })}/v1`
  const models = modelsAt(baseURL, { model: 'scripted/{role}' })
  cleanups.push(
    () => app.close(),
    () => models.close(),
  )
  const blobs = createMemoryBlobs()
  const cancel = new AbortController()
  let heartbeats = 0
  /** As the worker calls an activity. */
  const inActivity = <T>(work: () => Promise<T>): Promise<T> => {
    const info = { heartbeatTimeoutMs: 300 } as Context['info']
    const beat = () => void heartbeats++
    const context = new Context(
      info,
      new Promise(() => undefined),
      cancel.signal,
      beat,
      undefined,
      undefined as never,
      undefined as never,
      undefined as never,
    )
    return asyncLocalStorage.run(context, work)
  }
  const activities = createModelActivities({ models, blobs, vet })
  return { activities, blobs, cancel, inActivity, heartbeats: () => heartbeats }
}

const put = (blobs: Blobs, text: string): Promise<Stored> => blobs.put(Buffer.from(text), 'text/plain')

test('plan, generate, route, interpret, solve: values with their cost and what made them', async () => {
  const big = `soap ${'x'.repeat(2000)}`
  const { activities, blobs, inActivity } = await start([
    { role: 'planner', reply: { steps: [] } },
    { role: 'coder', when: big, reply: '```python\nprint(1)\n```' },
    { role: 'router', reply: { kind: 'call', tool: 'lookUpOrder', arguments: { orderId: '1' } } },
    { role: 'interpreter', when: big, reply: { kind: 'answer', answer: 'Soap' } },
    { role: 'solver', when: '(nothing: it failed)', reply: 'Done.' },
  ])
  const args = { agent, request: 'Go', input: {} }
  const output = await put(blobs, big)
  const done = [{ tool: 'lookUpOrder', arguments: {}, output }]
  const evidence = [{ step: 'find', evidence: output, note: null }]

  const planned = await inActivity(() => activities.plan({ ...args, previous: null }))
  expect(planned).toMatchObject({
    kind: 'plan',
    plan: { steps: [] },
    usage: { modelCalls: 1 },
    made: { model: 'scripted/planner', prompt: loadPrompts().planner.digest },
  })
  const generated = await inActivity(() => activities.generate({ ...args, step, evidence, previous: null }))
  expect(generated).toMatchObject({ kind: 'code', code: { text: 'print(1)' } })
  expect(await inActivity(() => activities.route({ ...args, error: null, done: [] }))).toMatchObject({
    kind: 'call',
    tool: 'lookUpOrder',
    arguments: { orderId: '1' },
  })
  expect(await inActivity(() => activities.interpret({ agent, request: 'Go', done }))).toMatchObject({
    kind: 'answer',
    answer: 'Soap',
  })
  const failed = [{ step: 'find', evidence: null, note: 'it failed' }]
  const solved = await inActivity(() =>
    activities.solve({ ...args, plan: { steps: [step] }, evidence: failed, effects: [] }),
  )
  expect(solved).toMatchObject({ kind: 'answer', answer: 'Done.' })
})

test('a model that answers garbage for ever is a value, and so is a judge that does', async () => {
  const { activities, inActivity } = await start([
    { role: 'planner', reply: 'garbage', times: 9 },
    { role: 'judge', reply: 'garbage', times: 9 },
  ])
  const planned = await inActivity(() => activities.plan({ agent, request: 'Go', input: {}, previous: null }))
  expect(planned).toMatchObject({
    kind: 'unusable',
    error: expect.stringContaining('no JSON object'),
    usage: { modelCalls: 2 },
  })
  const judged = await inActivity(() =>
    activities.judge({ agent, request: 'Go', plan: { steps: [step] }, effects: [], findings: [] }),
  )
  expect(judged).toMatchObject({ answer: 'human', reason: expect.stringContaining('no usable answer') })
})

describe('vet', () => {
  const finding = (permission: 'allow' | 'ask' | 'deny', reason: string) => ({ line: 1, permission, reason })
  const opinion = (permission: string, ...findings: unknown[]) => [{ role: 'vetter', reply: { permission, findings } }]

  test.each([
    ['rules allow, model allows', 'allow', opinion('allow'), 'allow', []],
    ['model is stricter', 'allow', opinion('ask', finding('ask', 'loops')), 'ask', ['loops']],
    ['model can not be laxer', 'ask', opinion('allow'), 'ask', ['rule']],
    [
      'a finding counts though the model allows',
      'allow',
      opinion('allow', finding('deny', 'hides')),
      'deny',
      ['hides'],
    ],
    ['a permission without a finding gets one', 'allow', opinion('deny'), 'deny', ['The vetter gave no reason.']],
    ['rules deny: the model is not asked', 'deny', [], 'deny', ['rule']],
  ] as const)('%s', async (_, rules, script, permission, reasons) => {
    const vet: VetRules = async () => ({
      permission: rules,
      findings: rules === 'allow' ? [] : [{ rule: 'test', line: 1, permission: rules, reason: 'rule' }],
    })
    const { activities, blobs, inActivity } = await start(script, vet)
    const code = await put(blobs, 'print(1)')
    const vetted = await inActivity(() => activities.vet({ agent, code, language: 'python', step, opinion: true }))
    expect(vetted.permission).toBe(permission)
    expect(vetted.findings.map((each) => each.reason)).toEqual(reasons)
  })

  test('an unusable opinion asks a person, and says so', async () => {
    const { activities, blobs, inActivity } = await start([{ role: 'vetter', reply: 'Looks good to me!', times: 2 }])
    const code = await put(blobs, 'print(1)')
    const vetted = await inActivity(() => activities.vet({ agent, code, language: 'python', step, opinion: true }))
    expect(vetted).toMatchObject({ permission: 'ask', findings: [{ rule: 'opinion', permission: 'ask', line: 0 }] })
    expect(vetted.findings[0]?.reason).toMatch(/no usable opinion, so a person has to look: .*no JSON object/)
  })

  test('without an opinion no model is asked', async () => {
    const { activities, blobs, inActivity } = await start([])
    const code = await put(blobs, 'print(1)')
    const vetted = await inActivity(() => activities.vet({ agent, code, language: 'python', step, opinion: false }))
    expect(vetted).toEqual({
      permission: 'allow',
      findings: [],
      usage: { modelCalls: 0, promptTokens: 0, completionTokens: 0 },
    })
  })
})

describe('trouble', () => {
  const args = { agent, request: 'Go', input: {}, previous: null }

  test('a provider that is busy is retried when it says; one that has no such model is not', async () => {
    const { activities, inActivity } = await start([{ role: 'planner', fail: 429 }])
    const limited: unknown = await inActivity(() => activities.plan(args)).catch((error: unknown) => error)
    expect(limited).toBeInstanceOf(ApplicationFailure)
    expect(limited).toMatchObject({ type: 'model.rate-limited', nonRetryable: false, nextRetryDelay: 1000 })
    const missing: unknown = await inActivity(() => activities.plan(args)).catch((error: unknown) => error)
    expect(missing).toMatchObject({ type: 'model.not-found', nonRetryable: true })
    expect(String(missing)).toContain('no unused entry for role "planner" and request "Go"')
  })

  test('heartbeats while it waits, and a cancellation ends the request as a cancellation', async () => {
    const { activities, cancel, inActivity, heartbeats } = await start([
      { role: 'planner', reply: { steps: [] }, delayMs: 60_000 },
    ])
    const planned = inActivity(() => activities.plan(args))
    const ended = planned.catch((error: unknown) => error)
    await expect.poll(heartbeats).toBeGreaterThan(1)
    const reason = new CancelledFailure('CANCELLED')
    cancel.abort(reason)
    expect(await ended).toBe(reason)
  })
})
