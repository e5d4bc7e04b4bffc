echo "{{ not a template }}"
%post
Bootstrap: docker
