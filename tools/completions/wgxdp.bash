# SPDX-License-Identifier: MIT
# bash completion of wgxdp(8), which knows itself what may stand where.

_wgxdp()
{
    local cur prev words cword
    _init_completion -n =: || return
    mapfile -t COMPREPLY < <(wgxdp complete "${words[@]:1:cword}" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} == :files ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
    __ltrim_colon_completions "$cur"
}

complete -F _wgxdp wgxdp
