import { expect, it } from 'vitest'
import {
  equalJson,
  fromPath,
  getField,
  parseJson,
  removeField,
  setField,
  toJsonText,
  toPath,
} from '../../../src/run/json.ts'

it('gives back every digit it read', () => {
  const text = '{"id":12345678901234567890,"rate":0.10000000000000000001,"e":1E+400,"z":-0.0,"__proto__":{"a":1}}'
  expect(toJsonText(parseJson(text))).toBe(text)
})

it.each([
  ['1.0', '1', true],
  ['1e2', '100', true],
  ['0.0', '-0', true],
  ['9007199254740993', '9007199254740992', false],
  ['1e999999999999999', '1e999999999999998', false],
  ['{"a":1,"b":[2]}', '{"b":[2],"a":1}', true],
  ['{"a":null}', '{}', false],
  ['{"__proto__":1}', '{"toString":1}', false],
  ['[1,2]', '[2,1]', false],
  ['"1"', '1', false],
])('compares %s with %s by value: %s', (a, b, equal) => {
  expect(equalJson(parseJson(a), parseJson(b))).toBe(equal)
})

it('refuses what is nested so deeply that walking it would overflow', () => {
  expect(() => parseJson('['.repeat(100_000))).toThrow('nested more than 500 levels')
  expect(parseJson(`["${'['.repeat(1000)}"]`)).toHaveLength(1)
})

it('refuses a key that is there twice with different values: nobody knows which one a service means', () => {
  expect(() => parseJson('{"a":1,"a":2}')).toThrow(SyntaxError)
})

it.each([[['a', 'b']], [['a.b', 'c']], [['']], [['', 'a', '']], [['\\', '.']], [['\\e']], [['__proto__', 'x']]])(
  'names %j by a path that leads back to it',
  (keys) => {
    expect(fromPath(toPath(keys))).toEqual(keys)
  },
)

it('reads, sets and removes by path, in copies', () => {
  const value = parseJson('{"a":{"b":[1,{"c":2}]}}')
  expect(toJsonText(getField(value, 'a.b.1.c'))).toBe('2')
  expect(getField(value, 'a.toString')).toBeUndefined()
  expect(toJsonText(setField(value, 'a.b.1.c', 'x'))).toBe('{"a":{"b":[1,{"c":"x"}]}}')
  expect(toJsonText(setField(value, 'd.e', null))).toBe('{"a":{"b":[1,{"c":2}]},"d":{"e":null}}')
  expect(toJsonText(removeField(value, 'a.b.0'))).toBe('{"a":{"b":[{"c":2}]}}')
  expect(toJsonText(value)).toBe('{"a":{"b":[1,{"c":2}]}}')
})

it('never reaches a prototype', () => {
  const value = setField(parseJson('{}'), '__proto__.polluted', true)
  expect(toJsonText(value)).toBe('{"__proto__":{"polluted":true}}')
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
