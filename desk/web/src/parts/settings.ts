import { reactive, watch } from 'vue'

export type Look = 'auto' | 'light' | 'dark' | 'wall'

interface Settings {
  language: 'zh' | 'en'
  look: Look
  keys: boolean
}

const place = 'tocsin.settings'

function load(): Settings {
  const base: Settings = { language: navigator.language.startsWith('zh') ? 'zh' : 'en', look: 'auto', keys: true }
  try {
    return { ...base, ...JSON.parse(localStorage.getItem(place) ?? '{}') }
  } catch {
    return base // storage is off or holds something else: the desk works without it
  }
}

/** settings belong to this browser and hold nothing about patients. */
export const settings = reactive(load())

watch(settings, (s) => {
  try {
    localStorage.setItem(place, JSON.stringify(s))
  } catch {
    // the choice lasts as long as the page
  }
})
