// Cells of grids that are links: made of elements, so that no text of a run becomes HTML.
window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, {
  SaedbLinks: function (props) {
    const e = window.React.createElement
    const ids = props.value ? props.value.split('\n') : []
    return e('span', { className: 'links' }, ids.map(function (id, place) {
      const short = id.split('/').slice(-2).join('/')
      const link = { key: place, href: props.base + encodeURIComponent(id), title: id, 'data-inner': 'true' }
      return e('a', link, short)
    }))
  },
})

// A link inside the app changes the address without loading everything again, as Dash's own links do.
document.addEventListener('click', function (event) {
  const link = event.target.closest && event.target.closest('a[data-inner]')
  if (!link || event.metaKey || event.shiftKey || event.altKey || event.ctrlKey) return
  event.preventDefault()
  window.history.pushState({}, '', link.getAttribute('href'))
  window.dispatchEvent(new CustomEvent('_dashprivate_pushstate'))
  window.scrollTo(0, 0)
})

// The arrow keys lead to a cell, Enter follows its link.
document.addEventListener('keydown', function (event) {
  const isCell = event.key === 'Enter' && event.target.classList && event.target.classList.contains('ag-cell')
  const link = isCell && event.target.querySelector('a')
  if (link) link.click()
})
