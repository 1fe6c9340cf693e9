import { expect, inject, test } from 'vitest'
import { http } from '../../src/config/connectors.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { createInstallation, type Installation } from '../support/installation.ts'
import { startTickets, TICKETS_DOCUMENT, type Tickets } from '../support/tickets.ts'

/** A stranger's script against a stranger's API, which nothing describes but its OpenAPI document. */

async function install(tickets: Tickets, agent: ConfigInput['agents'][string] = {}): Promise<Installation> {
  return await createInstallation({
    temporal: inject('temporal'),
    image: inject('sandboxImage'),
    config: {
      connectors: {
        desk: http({ url: 'http://tickets.example.com', upstream: tickets.url, openapi: TICKETS_DOCUMENT }),
      },
      agents: { assistant: { connectors: ['desk'], ...agent } },
    },
  })
}

const script = (...lines: string[]) =>
  [
    'import requests',
    "BASE = 'http://tickets.example.com/api/v2'",
    'def call(method, path, **more):',
    '    answer = requests.request(method, BASE + path, **more)',
    '    answer.raise_for_status()',
    '    return answer.json() if answer.headers.get("content-type") == "application/json" and answer.content else None',
    ...lines,
  ].join('\n')

const MERGE = "headers={'content-type': 'application/merge-patch+json'}"
const CHANGES = script(
  "made = call('POST', '/tickets', json={'subject': 'New'})['id']",
  `call('PATCH', '/tickets/' + made, data='{"priority": "high"}', ${MERGE})`,
  `call('PATCH', '/tickets/t1', data='{"subject": "Printers", "due": {"date": "2032-02-02", "reminder": true}}', ${MERGE})`,
  "call('POST', '/tickets/t1/comments', json={'text': 'On it'})",
  "call('POST', '/tickets/t1/attachments', files={'file': ('a.bin', bytes(range(256)))})",
  "call('PUT', '/tickets/t1/tags', json=['done'])",
  "call('PUT', '/tickets/t1/fields/floor', json={'value': '3'})",
  "call('PUT', '/tickets/t1/fields/wing', json={'value': 'west'})",
  "call('DELETE', '/tickets/t1/fields/room')",
  "call('PUT', '/settings', json={'language': 'de', 'version': 4})",
  'print(made)',
)
/** Without the fields that the document says the service changes by itself. */
const still = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (name, each: unknown) =>
      ['version', 'updated_at', 'modifiedAt'].includes(name) && name !== 'settings' ? undefined : each,
    ),
  )

test('what its API permits is undone exactly', async () => {
  await using tickets = await startTickets()
  const before = tickets.snapshot()
  await using installation = await install(tickets)
  const run = await installation.client.start({
    agent: 'assistant',
    request: 'change it all',
    code: CHANGES,
    language: 'python',
  })
  const waiting = await run.wait({ timeoutMs: 60_000 })
  expect(waiting).toMatchObject({ phase: 'waiting', reason: null, findings: [] })
  expect(
    waiting.effects.map(({ request, compensation }) => [`${request.method} ${request.target}`, compensation.kind]),
  ).toEqual([
    ['POST /api/v2/tickets', 'inverse'],
    [`PATCH /api/v2/tickets/${waiting.answer}`, 'restore'],
    ['PATCH /api/v2/tickets/t1', 'restore'],
    ['POST /api/v2/tickets/t1/comments', 'inverse'],
    ['POST /api/v2/tickets/t1/attachments', 'inverse'],
    ['PUT /api/v2/tickets/t1/tags', 'restore'],
    ['PUT /api/v2/tickets/t1/fields/floor', 'restore'],
    ['PUT /api/v2/tickets/t1/fields/wing', 'restore'],
    ['DELETE /api/v2/tickets/t1/fields/room', 'restore'],
    ['PUT /api/v2/settings', 'restore'],
  ])
  expect(tickets.state.tickets.get(String(waiting.answer))).toMatchObject({ subject: 'New', priority: 'high' })
  expect(tickets.state).toMatchObject({ settings: { language: 'de' } })
  expect([tickets.state.comments.size, tickets.state.attachments.size, tickets.state.fields.has('t1/room')]).toEqual([
    2,
    1,
    false,
  ])

  await run.undo()
  const undone = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
  expect(undone).toMatchObject({ phase: 'undone', undo: { verdict: 'exact', failures: [] } })
  expect(new Set(undone.effects.map(({ verdict }) => verdict))).toEqual(new Set(['exact']))
  // What its delete means is the service's own affair: the new ticket is in its bin.
  const { bin, ...after } = tickets.snapshot() as { bin: object }
  expect(Object.keys(bin)).toEqual([waiting.answer])
  expect(still({ ...after, bin: {} })).toEqual(still(before))
  expect(tickets.state.settings).toEqual({ language: 'en', version: 3 })
})

test('what the service does not let be put back is not called exact', async () => {
  await using tickets = await startTickets()
  await using installation = await install(tickets)
  const code = script("call('PUT', '/tickets/t1/comments/1', json={'text': 'Out'})")
  const run = await installation.client.start({ agent: 'assistant', request: 'reword it', code, language: 'python' })
  await run.wait({ timeoutMs: 60_000 })
  await run.undo()
  const undone = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
  expect(undone.effects).toMatchObject([
    { verdict: 'equivalent', note: expect.stringContaining('these differ from before: edited') },
  ])
  expect(tickets.state.comments.get('t1/1')).toEqual({ id: 1, text: 'On fire', edited: true })
})

test.for<[what: string, line: string, reason: string, left: (state: Tickets['state']) => unknown]>([
  [
    'a delete that no documented call takes back',
    "call('DELETE', '/tickets/t2')",
    '/api/v2/tickets/t2 would be gone, and no PUT is declared that could create it again',
    ({ tickets, bin }) => [...tickets.keys(), 'bin', ...bin.keys()].join() === 't1,bin,t2',
  ],
  [
    'a field that is written and never shown',
    `call('PATCH', '/tickets/t2', data='{"assigneeId": "u2"}', ${MERGE})`,
    'PATCH /api/v2/tickets/{ticket_id} sets assigneeId, which reading does not show in that form',
    ({ tickets }) => JSON.stringify(tickets.get('t2')?.['assignee']).includes('u2'),
  ],
  [
    'a mail',
    "call('POST', '/emails', json={'to': 'ann'})",
    'the document does not show what POST /api/v2/emails changes, or what takes it back',
    ({ emails }) => emails.length === 1,
  ],
])('asks first, and says why, before %s', async ([, line, reason, left]) => {
  await using tickets = await startTickets()
  const before = tickets.snapshot()
  await using installation = await install(tickets)
  const code = script("call('PUT', '/tickets/t1/tags', json=['x'])", line)
  const run = await installation.client.start({ agent: 'assistant', request: 'try it', code, language: 'python' })
  const asking = await run.wait({ timeoutMs: 60_000 })
  expect(asking.decision).toMatchObject({ kind: 'approve', question: expect.stringContaining(reason) })
  expect(tickets.snapshot()).toEqual(before)
  expect(left(tickets.state)).toBe(false)

  await run.approve()
  await run.wait({ until: (state) => state.phase === 'waiting' || state.settled !== null, timeoutMs: 60_000 })
  expect(left(tickets.state)).toBe(true)
  await run.undo()
  const undone = await run.wait({ until: ['settled'], timeoutMs: 60_000 })
  expect(undone.phase).toBe('attention')
  expect(undone.effects.slice(-2)).toMatchObject([
    { verdict: 'exact' },
    { verdict: 'irreversible', note: expect.stringContaining(`nothing can undo it: ${reason}`) },
  ])
  expect(tickets.state.tags.get('t1')).toEqual(['urgent', 'hardware'])
  expect(left(tickets.state)).toBe(true)
})
