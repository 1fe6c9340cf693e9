import { expect, test } from 'vitest'
import { readEnvironment } from '../../../src/config/environment.ts'

test('an empty variable is one that is not set', () => {
  const environment = readEnvironment({
    TEMPORAL_ADDRESS: '',
    OPENAI_API_KEY: ' ',
    XDG_CACHE_HOME: '/cache',
    EMPTY: '',
  })
  expect(environment).toMatchObject({
    temporalAddress: null,
    temporalNamespace: 'default',
    openaiApiKey: null,
    taskQueue: 'recourse',
    cacheDirectory: '/cache/recourse',
    noColor: false,
  })
  expect(environment.lookup('EMPTY')).toBeNull()
  expect(environment.lookup('NOT_THERE')).toBeNull()
  expect(environment.lookup('XDG_CACHE_HOME')).toBe('/cache')
})

test('RECOURSE_HOME is the state directory itself, XDG_STATE_HOME holds it', () => {
  expect(readEnvironment({ XDG_STATE_HOME: '/state' }).stateDirectory).toBe('/state/recourse')
  expect(readEnvironment({ XDG_STATE_HOME: '/state', RECOURSE_HOME: '/mine' }).stateDirectory).toBe('/mine')
})

test('an address that is none is refused by name', () => {
  expect(() => readEnvironment({ TEMPORAL_ADDRESS: 'http://localhost:7233' })).toThrow(
    'TEMPORAL_ADDRESS is "http://localhost:7233"; it must be host:port, such as 127.0.0.1:7233',
  )
})
