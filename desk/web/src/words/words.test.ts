import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { en } from './en'
import { zh } from './zh'

type Tree = { [k: string]: string | Tree }

function leaves(tree: Tree, at = ''): Record<string, string> {
  return Object.assign({}, ...Object.entries(tree).map(([k, v]) => (typeof v === 'string' ? { [at + k]: v } : leaves(v, `${at}${k}.`))))
}

const english = leaves(en)
const chinese = leaves(zh)
const holes = (s: string) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort()

function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((n) => {
    const p = join(dir, n)
    return statSync(p).isDirectory() ? sources(p) : /\.(vue|ts)$/.test(n) && !n.includes('.test.') && !p.includes('words') ? [p] : []
  })
}

describe('words', () => {
  it('both languages have the same keys', () => expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort()))

  it('no word is empty, and both languages put in the same things', () => {
    for (const k of Object.keys(english)) {
      expect(english[k], k).not.toBe('')
      expect(chinese[k], k).not.toBe('')
      expect(holes(chinese[k]!), k).toEqual(holes(english[k]!))
    }
  })

  it('what a page says is a word that is there', () => {
    const missing: string[] = []
    for (const p of sources(join(import.meta.dirname, '..'))) {
      const text = readFileSync(p, 'utf8')
      for (const m of text.matchAll(/\bt\(\s*'([\w.-]+)'/g)) if (!(m[1]! in english)) missing.push(`${p}: ${m[1]}`)
    }
    expect(missing).toEqual([])
  })

  it('the words of the desk are those that were agreed', () => {
    const agreed: [string, string][] = [
      ['severity.high', '高优先级'], ['severity.medium', '中优先级'], ['severity.low', '低优先级'], ['severity.technical', '技术报警'], ['warning.title', '预警'],
      ['warning.accept', '接手'], ['warning.close', '结案'], ['warning.why', '预警依据'], ['problem.silence', '数据中断'], ['board.title', '专病组看板'], ['reason.patient', '个体化目标'],
      ['help.wordList.handOver', '转交'], ['help.wordList.shelve', '搁置'], ['help.wordList.escalate', '逐级上报'], ['help.wordList.notReached', '未接通'], ['help.wordList.late', '补传异常'], ['help.wordList.remeasure', '复测'],
      ['role.health-manager', '健康管理师'], ['role.clinic', '社区卫生服务中心'],
    ]
    for (const [k, word] of agreed) expect(chinese[k], k).toBe(word)
    expect(chinese['sound.mute']).toContain('静音')
    expect(chinese['close.outcome']).toContain('处置结果')
    expect(chinese['close.disposition']).toContain('患者去向')
  })
})
