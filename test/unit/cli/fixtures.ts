import type { Effect } from '../../../src/run/effect.ts'
import type { RunView } from '../../../src/run/view.ts'

export function createRunView(part: Partial<RunView> = {}): RunView {
  return {
    id: 'run-1',
    agent: 'assistant',
    request: 'Tell my team',
    requester: null,
    phase: 'planning',
    plan: null,
    steps: [],
    effects: [],
    findings: [],
    decision: null,
    decisions: [],
    undo: null,
    answer: null,
    reason: null,
    usage: { modelCalls: 0, promptTokens: 0, completionTokens: 0 },
    notices: [],
    windowEnds: null,
    started: '2026-11-21T09:00:00.000Z',
    settled: null,
    ...part,
  }
}

export function createEffect(
  part: Partial<Omit<Effect, 'request'>> & { request?: Partial<Effect['request']> } = {},
): Effect {
  const { request, ...rest } = part
  return {
    id: 's1.1.1',
    step: 's1',
    generation: 1,
    request: {
      connector: 'calendar',
      method: 'PATCH',
      target: '/events/1',
      route: 'PATCH /events/{id}',
      headers: {},
      body: null,
      resource: '/events/1',
      ...request,
    },
    permission: 'allow',
    announced: true,
    compensation: { kind: 'restore', method: 'PATCH' },
    state: 'performed',
    before: null,
    after: null,
    resource: '/events/1',
    answer: null,
    inferred: false,
    diff: [{ path: 'start', before: '"09:00"', after: '"10:00"' }],
    guard: null,
    verdict: null,
    note: null,
    completed: 1,
    ...rest,
  }
}

const step = {
  generation: 1,
  code: null,
  language: 'python',
  vetting: [],
  evidence: null,
  error: null,
  state: 'done' as const,
}

/** Asked to send a message, it moved the meeting as well; undone, one of three effects stayed. */
export const clumsy: RunView = createRunView({
  phase: 'attention',
  request: 'Tell my team that I will be\nan hour late',
  requester: 'ana',
  plan: {
    steps: [
      {
        id: 's1',
        kind: 'code',
        purpose: 'Send the message',
        after: [],
        language: 'python',
        announce: [{ connector: 'mail', routes: ['POST /messages'] }],
      },
      { id: 's2', kind: 'answer', purpose: 'Say so', after: ['s1'] },
    ],
  },
  steps: [
    { ...step, id: 's1', kind: 'code', purpose: 'Send the message' },
    { ...step, id: 's2', kind: 'answer', purpose: 'Say so', state: 'failed', error: 'The model gave no answer' },
  ],
  effects: [
    createEffect({ announced: false, state: 'undone', verdict: 'exact', guard: 'etag' }),
    createEffect({
      id: 's1.1.2',
      request: { connector: 'mail', method: 'POST', target: '/messages' },
      compensation: { kind: 'discard' },
      state: 'discarded',
      verdict: 'discarded',
      diff: [],
    }),
    createEffect({
      id: 's1.1.3',
      request: { target: '/events/2' },
      verdict: 'drifted',
      guard: 'reread',
      diff: [{ path: 'title', before: null, after: '"`x`"' }],
      note: 'title is now "Moved"',
    }),
  ],
  findings: [
    { kind: 'unannounced', step: 's1', effect: 's1.1.1', message: 'PATCH /events/1 on calendar was not in the plan' },
  ],
  decisions: [
    {
      id: 'd1',
      kind: 'confirm',
      digest: 'sha256:1',
      question: 'Keep it?',
      effects: ['s1.1.1'],
      step: null,
      recommended: 'undo',
      opened: '2026-11-21T09:01:00.000Z',
      deadline: '2026-11-28T09:01:00.000Z',
      onTimeout: 'undo',
      answer: 'undo',
      actor: 'ana',
      authenticated: false,
      note: 'not [asked](http://x) for',
      answered: '2026-11-21T09:02:00.000Z',
    },
  ],
  undo: {
    reason: 'ana asked for it',
    actor: 'ana',
    verdict: 'drifted',
    failures: [{ effect: 's1.1.3', verdict: 'drifted', note: 'title is now "Moved"' }],
  },
  reason: 'one effect could not be undone',
  usage: { modelCalls: 3, promptTokens: 1000, completionTokens: 200 },
  settled: '2026-11-21T09:03:00.000Z',
})
