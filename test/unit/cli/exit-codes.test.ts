import { expect, it } from 'vitest'
import { showError, UsageError } from '../../../src/cli/errors.ts'
import { toExitCode } from '../../../src/cli/exit-codes.ts'
import { errors } from '../../../src/client/errors.ts'
import { ConfigError } from '../../../src/config/errors.ts'
import { SetupProblem } from '../../../src/setup/problem.ts'
import type { Phase } from '../../../src/run/view.ts'
import { clumsy } from './fixtures.ts'

it.each<[Phase, number]>([
  ['completed', 0],
  ['confirmed', 0],
  ['failed', 1],
  ['undone', 3],
  ['rejected', 3],
  ['cancelled', 3],
  ['attention', 5],
])('a run that is %s gives %i', (phase, code) => expect(toExitCode({ phase, decision: null })).toBe(code))

it('an open decision gives 4, whatever the phase', () => {
  expect(toExitCode({ phase: 'acting', decision: clumsy.decisions[0] ?? null })).toBe(4)
})

it.each<[unknown, { code: string; exit: number }]>([
  [new UsageError('x'), { code: 'USAGE', exit: 2 }],
  [errors.invalidRequest('x'), { code: 'INVALID_REQUEST', exit: 2 }],
  [errors.invalidId('x', 'y'), { code: 'INVALID_ID', exit: 2 }],
  [errors.noDecision('x', 'acting'), { code: 'NO_DECISION', exit: 1 }],
  [new ConfigError('x'), { code: 'INVALID_CONFIG', exit: 1 }],
  [new SetupProblem({ missing: 'a', why: 'b', fix: 'c' }), { code: 'SETUP', exit: 1 }],
  [new Error('x'), { code: 'ERROR', exit: 1 }],
  ['x', { code: 'ERROR', exit: 1 }],
])('%s', (error, shown) => expect(showError(error)).toMatchObject(shown))
