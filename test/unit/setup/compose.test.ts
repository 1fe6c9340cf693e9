import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { searchAttributes } from '../../../src/setup/search-attributes.ts'
import { ROLES } from '../../../src/worker/roles.ts'

const root = join(import.meta.dirname, '../../..')
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')

const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  network_mode: z.string().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z
    .record(
      z.string(),
      z.object({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }),
    )
    .default({}),
})
const { services } = z.object({ services: z.record(z.string(), Service) }).parse(parse(text, { merge: true }))
const all = Object.entries(services)

test('what a service waits for exists, and can come about', () => {
  for (const [name, service] of all) {
    for (const [other, { condition }] of Object.entries(service.depends_on)) {
      expect(services, `${name} waits for ${other}`).toHaveProperty(other)
      if (condition === 'service_healthy')
        expect(services[other]?.healthcheck, `${other} has a health check`).toBeDefined()
    }
    const shared = service.network_mode?.match(/^service:(.*)$/)?.[1]
    if (shared !== undefined) expect(services).toHaveProperty(shared)
  }
})

test('every image is either pinned to a version or built here', () => {
  for (const [name, { image, build }] of all) {
    if (build === undefined) expect(image, name).toMatch(/:\d+\.\d+(\.\d+)?$/)
    else expect(existsSync(join(root, build, 'Dockerfile')), `${build}/Dockerfile`).toBe(true)
  }
})

test('nothing is published beyond this machine', () => {
  const ports = all.flatMap(([, service]) => service.ports)
  expect(ports.length).toBeGreaterThan(0)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
})

test('every role has a service; only the sandbox has Docker, and only the model its key', () => {
  const roleOf = (command: string[] = []) => command[command.indexOf('--roles') + 1]
  const workers = all.filter(([, { command }]) => command?.[0] === 'worker')
  expect(workers.map(([, { command }]) => roleOf(command)).toSorted()).toEqual([...ROLES].toSorted())
  const withSocket = all.filter(([, { volumes }]) => volumes.some((volume) => volume.includes('docker.sock')))
  expect(withSocket.map(([, { command }]) => roleOf(command))).toEqual(['sandbox'])
  const withKey = all.filter(([, { environment }]) => 'OPENAI_API_KEY' in environment)
  expect(withKey.map(([, { command }]) => roleOf(command))).toEqual(['model'])
})

test('the namespace gets the search attributes of runs', () => {
  const script = services['namespace']?.command?.join('\n') ?? ''
  for (const [name, type] of searchAttributes) expect(script).toContain(`${name}:${type}`)
})

test('the examples run from this repository', () => {
  const files = all.flatMap(([, { entrypoint = [] }]) => entrypoint.filter((word) => word.startsWith('/app/')))
  expect(files).toHaveLength(2)
  for (const file of files) expect(existsSync(join(root, file.slice('/app/'.length))), file).toBe(true)
})

test.skipIf(spawnSync('docker', ['compose', 'version']).status !== 0)('Docker Compose accepts it', () => {
  const config = spawnSync('docker', ['compose', '--file', 'docker-compose.yml', 'config', '--quiet'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(config.stderr).toBe('')
  expect(config.status).toBe(0)
})
