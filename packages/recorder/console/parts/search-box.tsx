import { useEffect, useRef } from 'preact/hooks'
import { go, linkToId } from '../router.js'
import { SearchIcon } from './icons.js'

/** Takes any ID from anywhere; `/` leads to it. */
export const SearchBox = () => {
  const input = useRef<HTMLInputElement>(null)

  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
      if (/^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return
      event.preventDefault()
      input.current?.focus()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])

  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const text = input.current?.value.trim() ?? ''
    if (text === '') return
    go(linkToId(text))
    input.current?.blur()
  }

  return (
    <search class="search">
      <form onSubmit={submit}>
        <SearchIcon />
        <input
          ref={input}
          type="search"
          name="id"
          aria-label="Find a correlation ID, trace ID or user"
          placeholder="Any ID: correlation, trace, user"
          autocomplete="off"
          spellcheck={false}
          maxLength={512}
        />
        <kbd>/</kbd>
      </form>
    </search>
  )
}
