/**
 * What each shell sources. The scripts only hand over what was typed and show what comes back: nothing of either is ever
 * evaluated. `tshuttle complete` prints `words` or `files`, then a line for each word, its description behind a tab.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash completion for tshuttle
_tshuttle() {
  COMPREPLY=()
  local line
  {
    IFS= read -r line || return 0
    if [ "$line" = files ]; then
      compopt -o default 2>/dev/null
      return 0
    fi
    while IFS= read -r line; do COMPREPLY+=("\${line%%$'\\t'*}"); done
  } < <(command tshuttle complete --line "\${COMP_LINE:0:COMP_POINT}" --breaks "$COMP_WORDBREAKS" 2>/dev/null)
  # A word that ends in = or : goes on.
  case "\${COMPREPLY[0]-}" in *[=:]) compopt -o nospace 2>/dev/null ;; esac
  return 0
}
complete -F _tshuttle tshuttle
`,
  zsh: `#compdef tshuttle
_tshuttle() {
  local -a lines words_ shown
  local line
  lines=("\${(@f)$(command tshuttle complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$lines[1]" == files ]]; then
    # _files expands what is before a slash, commands in it, too: only variables by their plain names.
    case "$PREFIX$SUFFIX" in *'\`'*|*'$'|*'$'[^A-Za-z_]*) return ;; esac
    _files
    return
  fi
  for line in "\${(@)lines[2,-1]}"; do
    [[ -n "$line" ]] || continue
    words_+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  compadd -l -d shown -a words_
}
if [[ "\${funcstack[1]-}" == _tshuttle ]]; then
  _tshuttle
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _tshuttle tshuttle
fi
`,
  fish: `# fish completion for tshuttle
function __tshuttle_complete
    set -l typed (commandline -ct | string unescape)
    set -l words (commandline -opc)
    set -l lines (command tshuttle complete -- $words[2..-1] "$typed" 2>/dev/null)
    if test "$lines[1]" = files
        __fish_complete_path "$typed"
    else
        printf '%s\\n' $lines[2..-1]
    end
end
complete -c tshuttle -e
complete -c tshuttle -f -a '(__tshuttle_complete)'
`,
};
