-- SPDX-License-Identifier: GPL-2.0-or-later

return {
  init = function(options)
    error("limit is not set: " .. tostring(options.limit))
  end,
}
