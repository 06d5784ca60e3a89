# bpf_object(NAME [JUMBO]): compiles NAME.bpf.c with clang-19 and makes its libbpf skeleton, the interface target NAME_skel
# (header NAME.skel.h). JUMBO: the same with slots for jumbo packets, as NAME_jumbo. Dependencies come from clang's own
# depfile.
find_program(CLANG_BPF clang-19 REQUIRED)
find_program(BPFTOOL bpftool REQUIRED HINTS /usr/sbin)

function(bpf_object source)
    set(name ${source})
    set(payload WG_STANDARD_PAYLOAD)
    if("JUMBO" IN_LIST ARGN)
        string(APPEND name _jumbo)
        set(payload WG_JUMBO_PAYLOAD)
    endif()
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
    set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
    add_custom_command(OUTPUT ${object}
        COMMAND ${CLANG_BPF} --target=bpf -mcpu=v3 -std=gnu23 -g -O2 -Wall -Wextra -Wshadow -Werror
            -DWG_MAX_PAYLOAD=${payload}
            -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/bpf -idirafter /usr/include/${CMAKE_C_LIBRARY_ARCHITECTURE}
            -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source}.bpf.c -o ${object}
        DEPENDS ${source}.bpf.c DEPFILE ${object}.d VERBATIM)
    add_custom_command(OUTPUT ${skeleton}
        COMMAND ${BPFTOOL} gen skeleton ${object} name ${name} > ${skeleton}
        DEPENDS ${object} VERBATIM)
    add_custom_target(${name}_skel_h DEPENDS ${skeleton})
    add_library(${name}_skel INTERFACE)
    add_dependencies(${name}_skel ${name}_skel_h)
    target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(${name}_skel INTERFACE PkgConfig::LIBBPF)
endfunction()
