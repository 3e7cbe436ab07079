# Writes build_info.cc with the revision that is being built; run at every build, touches the file only when it changes.
execute_process(COMMAND git rev-parse HEAD WORKING_DIRECTORY ${SOURCE_DIR}
  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(revision unknown)
  set(dirty true)
else()
  # What the programs are made of; a new report or record changes no program.
  execute_process(COMMAND git status --porcelain -- CMakeLists.txt CMakePresets.json cmake net server variants loadgen
    WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE changes)
  set(dirty false)
  if(changes)
    set(dirty true)
  endif()
endif()
configure_file(${SOURCE_DIR}/cmake/build_info.cc.in ${OUTPUT} @ONLY)
