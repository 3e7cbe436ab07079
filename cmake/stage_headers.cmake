# Copies the public headers to OUTPUT as they are installed: in httpdyno/, and including each other from there, so that
# a user's own server/config.h or net/io.h is never taken for ours, nor ours for it.
file(REMOVE_RECURSE "${OUTPUT}")
file(GLOB_RECURSE headers RELATIVE "${SOURCE_DIR}" "${SOURCE_DIR}/net/*.h" "${SOURCE_DIR}/net/*.def"
  "${SOURCE_DIR}/server/*.h" "${SOURCE_DIR}/server/*.def")
list(FILTER headers EXCLUDE REGEX "^net/io/sim/")
foreach(header httpdyno/httpdyno.h ${headers})
  file(READ "${SOURCE_DIR}/${header}" text)
  string(REGEX REPLACE "#include \"(net|server)/" "#include \"httpdyno/\\1/" text "${text}")
  if(NOT header MATCHES "^httpdyno/")
    string(PREPEND header "httpdyno/")
  endif()
  file(WRITE "${OUTPUT}/${header}" "${text}")
endforeach()
