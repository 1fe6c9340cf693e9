import { describe, expect, it } from 'vitest'
import { RecourseError } from '../../../src/client/errors.ts'
import { checkRunId, createRunId } from '../../../src/client/ids.ts'
import { toRunInput } from '../../../src/client/start-input.ts'
import type { StartOptions } from '../../../src/client/start-input.ts'

const answer = { steps: [{ id: 's1', kind: 'answer' as const, purpose: 'say hello' }] }

function problemOf(options: object): string {
  try {
    toRunInput(options as StartOptions, 'q')
  } catch (error) {
    if (error instanceof RecourseError && error.code === 'INVALID_REQUEST') return error.message
    throw error
  }
  return 'none'
}

describe('toRunInput', () => {
  it('fills in what was not said', () => {
    expect(toRunInput({ agent: 'a', request: 'hello' }, 'q')).toEqual({
      agent: 'a',
      request: 'hello',
      input: {},
      requester: null,
      plan: null,
      given: null,
      confirm: null,
      taskQueue: 'q',
    })
  })

  it('takes a plan or code instead of a request', () => {
    expect(toRunInput({ agent: 'a', plan: answer }, 'q')).toMatchObject({
      request: 'Carry out the given plan',
      plan: { steps: [{ id: 's1', after: [] }] },
    })
    expect(toRunInput({ agent: 'a', code: 'print(1)', language: 'python' }, 'q')).toMatchObject({
      request: 'Run the given code',
      given: { code: 'print(1)', language: 'python' },
    })
  })

  it.each<[string, object, string]>([
    ['nothing to do', { agent: 'a' }, 'request: missing; say what is to be done, or hand in a plan or code'],
    ['empty', { agent: 'a', request: '' }, 'request: it is empty; say what is to be done'],
    ['blank', { agent: 'a', request: ' \n ' }, 'request: it is empty; say what is to be done'],
    [
      '100 KB',
      { agent: 'a', request: 'x'.repeat(100_000) },
      'request: it has 100000 characters, and 32000 are the most; put data into "input" instead',
    ],
    ['both', { agent: 'a', plan: answer, code: 'x', language: 'python' }, 'plan and code: give one of them'],
    ['language alone', { agent: 'a', request: 'x', language: 'python' }, 'language: only means something with code'],
    ['announce alone', { agent: 'a', request: 'x', announce: [] }, 'announce: only means something with code'],
    ['unknown option', { agent: 'a', request: 'x', reqester: 'b' }, 'reqester: unknown; start takes agent, request'],
    ['no agent', { request: 'x' }, 'agent: '],
    ['bad plan', { agent: 'a', plan: { steps: [] } }, 'plan.steps: '],
    ['no language', { agent: 'a', code: 'x' }, 'language: '],
    ['bad confirm', { agent: 'a', request: 'x', confirm: 'me' }, 'confirm: '],
    ['input is no object', { agent: 'a', request: 'x', input: [1] }, 'input: '],
    ['input is not JSON', { agent: 'a', request: 'x', input: { n: 1n } }, 'input: it is not JSON'],
    [
      'input too large',
      { agent: 'a', request: 'x', input: { text: 'x'.repeat(1_000_000) } },
      'and 1000000 are the most',
    ],
  ])('refuses: %s', (_what, options, problem) => {
    const message = problemOf(options)
    expect(message).toMatch(/^the run cannot be started:\n {2}/)
    expect(message).toContain(problem)
  })
})

describe('run ids', () => {
  it.each(['ticket-1', 'a', 'A.b_c:d@e-1', 'x'.repeat(200)])('takes %s', (id) => expect(checkRunId(id)).toBe(id))

  it.each([
    ['', 'it is empty'],
    ['x'.repeat(201), 'it has 201 characters, and 200 are the most'],
    ['-x', 'it must start with a letter or digit'],
    ['a b', 'letters, digits and . _ : @ - only'],
    ['../x', 'it must start with a letter or digit'],
    ['a/b', 'letters, digits and . _ : @ - only'],
    ['undo-x', 'ids that start with "undo-" are those of undos'],
    [7, 'it is not text'],
  ])('refuses %j', (id, why) => expect(() => checkRunId(id)).toThrow(why))

  it('makes ids that it takes, and no two alike', () => {
    const ids = Array.from({ length: 1000 }, createRunId)
    expect(new Set(ids.map(checkRunId)).size).toBe(1000)
    expect(ids[0]).toMatch(/^run-[0-9a-z]{16}$/)
  })
})
