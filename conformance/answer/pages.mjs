// Every page on which people without an account answer, in Debian's Chromium: pages.mjs CASES.json.
//
// CASES.json: addresses by "open-fr", "open-en", "series", "cancelled", "hostile", "unknown". Each state is looked at
// in French and English, light and dark, with and without script: by axe-core, by html-validate, at 320 px, with text
// twice as large, with wider spacing, by keyboard. Prints `ok` and `not ok` lines.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(process.env.NODE_HOME + '/')
const { chromium } = require('playwright-core')
const { HtmlValidate } = require('html-validate')
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const validator = new HtmlValidate({
  extends: ['html-validate:recommended', 'html-validate:a11y', 'html-validate:standard'],
  // Elements without content are written as HTML has them, and lines end where a template ends them.
  rules: { 'void-style': 'off', 'no-trailing-whitespace': 'off', 'long-title': 'off' },
})
const SPACING =
  '* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }' +
  ' p { margin-bottom: 2em !important; }'
let failed = 0

function check(what, faults) {
  const list = [faults].flat().filter(fault => fault !== true && fault !== undefined)
  if (list.length === 0) return console.log(`ok ${what}`)
  failed += 1
  const words = list.map(fault => (typeof fault === 'string' ? fault : JSON.stringify(fault)))
  console.log(`not ok ${what}: ${words.join('; ')}`)
}

const expect = (holds, fault) => (holds ? true : fault)

// ---- one page, as it is shown ----

async function axe(page) {
  await page.evaluate(AXE)
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }))
  return found.violations.map(one => `${one.id} at ${one.nodes.map(node => node.target.join(' ')).join(', ')}`)
}

async function valid(html) {
  const report = await validator.validateString(html)
  return report.results.flatMap(result => result.messages).map(one => `${one.ruleId}: ${one.message} (${one.line})`)
}

const overflow = page => page.evaluate(() =>
  document.documentElement.scrollWidth > document.documentElement.clientWidth
    ? `${document.documentElement.scrollWidth} px wide` : true)

const restyle = (page, css) => page.evaluate(text => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(text)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}, css)

async function fits(page) {
  const faults = []
  await page.setViewportSize({ width: 320, height: 640 })
  faults.push(await overflow(page))
  await restyle(page, SPACING)
  faults.push(await overflow(page))
  await page.setViewportSize({ width: 640, height: 640 })
  await restyle(page, 'html { font-size: 200% }')
  faults.push(await overflow(page))
  return faults
}

// All that Tab reaches: in the order of the page, each with an outline that shows.
async function byTab(page) {
  const faults = []
  const seen = []
  // From the top of the page, wherever the focus is.
  await page.evaluate(() => {
    document.body.tabIndex = -1
    document.body.focus()
    document.body.removeAttribute('tabindex')
  })
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(() => {
      const one = document.activeElement
      if (!one || one === document.body) return null
      const all = [...document.querySelectorAll('*')]
      const style = getComputedStyle(one)
      const shows = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
      return { place: all.indexOf(one), name: one.id || one.textContent.trim(), shows, tag: one.tagName }
    })
    if (!now || seen.some(one => one.place === now.place)) break
    if (!now.shows) faults.push(`no outline on ${now.name}`)
    if (seen.length && seen.at(-1).place > now.place) faults.push(`${now.name} comes late`)
    seen.push(now)
  }
  const interactive = await page.evaluate(() => {
    const all = [...document.querySelectorAll('a[href], button, select, textarea, summary')]
    return all.filter(one => one.checkVisibility()).length
  })
  const reached = seen.filter(one => one.tag !== 'INPUT' && one.name !== 'problem').length
  if (reached < interactive) faults.push(`${reached} of ${interactive} reached`)
  if (seen[0] && !/#content/.test(await page.getAttribute('a.skip', 'href'))) faults.push('no skip link')
  return faults
}

async function structure(page, language) {
  return page.evaluate(language => {
    const faults = []
    if (document.documentElement.lang !== language) faults.push(`lang ${document.documentElement.lang}`)
    if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1')
    const levels = [...document.querySelectorAll('h1, h2, h3')].map(head => Number(head.tagName[1]))
    if (levels.some((level, at) => at > 0 && level > levels[at - 1] + 1)) faults.push('a heading is skipped')
    for (const other of ['fr', 'en']) {
      if (!document.querySelector(`a[hreflang="${other}"][lang="${other}"]`)) faults.push(`no link to ${other}`)
    }
    for (const radio of document.querySelectorAll('input[type=radio]')) {
      const legend = radio.closest('fieldset').querySelector('legend')
      if (!radio.labels.length || !legend) faults.push('a radio without words')
    }
    for (const field of document.querySelectorAll('select, textarea')) if (!field.labels.length) faults.push(field.id)
    for (const one of document.querySelectorAll('a, button, summary, select, textarea, input:not([type=hidden])')) {
      const box = one.getBoundingClientRect()
      const isSmall = box.height < 24 || box.width < 24
      if (one.checkVisibility() && isSmall) faults.push(`${one.id || one.textContent} is small`)
    }
    return faults
  }, language)
}

// ---- the states ----

const send = page => page.click('button[type=submit]')
const choose = answer => async page => {
  await page.check(`#answer-${answer}`)
  await send(page)
}

// State, where it begins, what leads to it, the status of its page, and what it says in both languages.
const STATES = [
  ['open', 'open', null, 200, /Venez-vous/, /Will you come/],
  ['chosen by a link', 'chosen', null, 200, /Venez-vous/, /Will you come/],
  ['error of the form', 'open', send, 422, /Il y a un problème/, /There is a problem/],
  ['series', 'series', null, 200, /toute la série/, /the whole series/],
  ['cancelled', 'cancelled', null, 200, /annulée/, /cancelled/],
  ['unknown', 'unknown', null, 404, /Ce lien n’ouvre rien/, /This link opens nothing/],
  ['hostile', 'hostile', null, 200, /<script>/, /<script>/],
  ['answered', 'open', choose('accepted'), 200, /Votre réponse est enregistrée/, /Your answer is saved/],
  ['answered before', 'open', null, 200, /Vous avez déjà répondu/, /You have already answered/],
]

const address = (name, language) => {
  const named = name === 'chosen' ? 'open' : name
  const url = new URL(cases[`${named}-${language}`] ?? cases[named])
  url.searchParams.set('lang', language)
  if (name === 'chosen') url.searchParams.set('answer', 'tentative')
  return url.href
}

async function look(browser, [state, from, act, status, french, english], language, scheme, script) {
  const what = `${state}, ${language}, ${scheme}, ${script ? 'with' : 'without'} script`
  const context = await browser.newContext({ colorScheme: scheme, javaScriptEnabled: script })
  const page = await context.newPage()
  const faults = []
  page.on('console', message => {
    if (message.type() === 'error' && !/status of 4/.test(message.text())) faults.push(message.text())
  })
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(cases.series).origin) faults.push(request.url())
  })
  page.on('dialog', dialog => { faults.push('a script ran'); dialog.dismiss() })
  let answer = await page.goto(address(from, language))
  if (act) {
    const isPage = response => response.request().resourceType() === 'document' && response.status() !== 303
    const next = page.waitForResponse(isPage)
    await act(page)
    answer = await next
    await page.waitForLoadState()
  }
  const html = await answer.text()
  const words = await page.innerText('body')
  faults.push(expect(answer.status() === status, `status ${answer.status()}`))
  faults.push(expect((language === 'fr' ? french : english).test(words), 'it does not say so'))
  if (state === 'chosen by a link') faults.push(expect(await page.isChecked('#answer-tentative'), 'nothing is chosen'))
  if (state === 'error of the form') {
    faults.push(expect(/^(Erreur|Error)/.test(await page.title()), 'the title says nothing of it'))
    faults.push(expect(await page.evaluate(() => document.activeElement.id) === 'problem', 'the summary has no focus'))
    faults.push(expect(await page.getAttribute('#problem a', 'href') === '#answer-accepted', 'no link to the field'))
  }
  const title = await page.title()
  faults.push(...await structure(page, language), ...await valid(html))
  if (script) {
    for (const details of await page.$$('summary')) await details.click()
    faults.push(...await axe(page))
  }
  faults.push(...await byTab(page), ...await fits(page))
  check(what, faults)
  await context.close()
  return title
}

// With nothing but a keyboard and without script: to the form, an answer, a message, and away.
async function byKeyboard(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(address('open', 'fr'))
  const at = id => page.evaluate(() => document.activeElement?.id).then(now => now === id)
  for (let step = 0; step < 20 && !(await page.evaluate(() => document.activeElement?.name === 'answer')); step += 1) {
    await page.keyboard.press('Tab')
  }
  for (let step = 0; step < 4 && !(await at('answer-declined')); step += 1) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Tab')
  const atComment = await at('comment')
  await page.keyboard.press('Control+A')
  await page.keyboard.type('Je suis en congé.')
  await page.keyboard.press('Tab')
  await Promise.all([page.waitForURL(/saved=1/), page.keyboard.press('Enter')])
  const words = await page.innerText('body')
  check('answered by keyboard alone', [expect(atComment, 'no comment'), expect(/décliné/.test(words), words)])
  await context.close()
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const language of ['fr', 'en']) {
    const titles = []
    for (const state of STATES) {
      // Only the last two change anything, and what comes before is to be seen without an answer.
      const ways = [['light', true], ['dark', true], ['light', false]]
      for (const [scheme, script] of ways) {
        const title = await look(browser, state, language, scheme, script)
        if (scheme === 'light' && script) titles.push(title)
      }
    }
    const own = titles.filter((_, at) => STATES[at][0] !== 'chosen by a link')
    check(`titles are unique, ${language}`, expect(new Set(own).size === own.length, JSON.stringify(own)))
  }
  await byKeyboard(browser)
} finally {
  await browser.close()
}
process.exit(failed ? 1 : 0)
