# What an interactive zsh makes of a line when Tab is typed behind it.
#   zsh -f complete.zsh DIRECTORY-OF-THE-SCRIPT LINE
zmodload zsh/zpty
zpty shell zsh -f -i
{
  print -r - "PROMPT= PS2= fpath=(${(q)1} \$fpath)"
  print -r - 'autoload -U compinit; compinit -u -D'
  print -r - 'show() { print -r - "LINE<$BUFFER>"; exit }'
  print -r - 'zle -N show; bindkey "^X" show; bindkey "^I" complete-word; print RE""ADY'
} | while read -r line; do
  zpty -w shell "$line"
done
zpty -r shell out '*READY*'
zpty -w -n shell "$2"$'\t\x18'
zpty -r shell out '*LINE<*>*'
print -r - "${out##*LINE<}"
