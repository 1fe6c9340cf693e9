import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { findBlocks, readJson } from '../../../src/model/answer.ts'

const Item = z.object({ name: z.string(), size: z.number().optional() })
const fence = (text: string, language = 'json') => `\`\`\`${language}\n${text}\n\`\`\``

describe('the JSON object of an answer', () => {
  test.each([
    ['alone', '{"name": "a"}'],
    ['in a fence', fence('{"name": "a"}')],
    ['in a fence without a language', fence('{"name": "a"}', '')],
    ['in a fence that is never closed', '```json\n{"name": "a"}'],
    ['with Windows line ends', '```json\r\n{"name": "a"}\r\n```\r\n'],
    ['in an indented fence of a list', '1. Here:\n   ```json\n   {"name": "a"}\n   ```'],
    ['with prose around', 'Sure! The route /items/{id} it is: {"name": "a"}. Anything else?'],
    ['with an apostrophe and braces in strings', `It's this: {"name": "a", "note": "}{ \\" {"}`],
    ['after a lone quote in prose', 'A 5" one: {"name": "a"}'],
    ['after thinking', '<think>maybe {"name": "b"}?</think>\n{"name": "a"}'],
    ['in the one of two fences that fits', `${fence('{"nome": "b"}')}\nor rather\n${fence('{"name": "a"}')}`],
    ['next to a block of code', `${fence('x = {"name": "b"}', 'python')}\n${fence('{"name": "a"}')}`],
    ['twice the same', `${fence('{"name": "a"}')}\nAgain:\n${fence('{ "name": "a" }')}`],
  ])('%s', (_, text) => {
    expect(readJson(text, Item)).toEqual({ ok: true, value: { name: 'a' } })
  })

  test.each([
    [
      'two that fit, bare',
      '{"name": "a"} {"name": "b"}',
      'The answer holds 2 different JSON objects; answer with exactly one.',
    ],
    [
      'two that fit, fenced',
      fence('{"name": "a"}') + '\n' + fence('{"name": "b"}'),
      'The answer holds 2 different JSON objects; answer with exactly one.',
    ],
    ['none', 'I can not do that.', 'The answer holds no JSON object; answer with exactly one, and nothing else.'],
    ['a wrong field', '{"name": 5}', 'The answer does not fit: name: Invalid input: expected string, received number'],
    ['an array', '[]', 'The answer does not fit: answer: Invalid input: expected object, received array'],
    [
      'an id that a number can not hold',
      '{"name": "a", "size": 12345678901234567890}',
      'The number 12345678901234567890 is too large to be exact; write it as a string.',
    ],
  ])('%s is an error, exact enough to be fed back', (_, text, error) => {
    expect(readJson(text, Item)).toEqual({ ok: false, error })
  })

  test('a broken object tells its syntax error', () => {
    const result = readJson('{"name": "a", }', Item)
    expect(result).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^The answer is not valid JSON: .*position/),
    })
  })

  test('is found in time that grows with the text, not with its square', () => {
    const text = '{"a": {"a": '.repeat(50_000)
    expect(readJson(text, Item).ok).toBe(false)
  })
})

test('blocks keep what looks like a shorter fence inside a longer one', () => {
  const text = '````markdown\n```python\nx\n```\n````\n~~~py\ny\n~~~'
  expect(findBlocks(text)).toEqual([
    { language: 'markdown', text: '```python\nx\n```' },
    { language: 'py', text: 'y' },
  ])
})
