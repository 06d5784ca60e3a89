// SPDX-License-Identifier: MIT
//
// Keys that the tests of api/ and tools/ share, in base64.
#pragma once

namespace wg::test {

inline constexpr char PRIVATE_KEY[] = "cF5mHnPth28nr9jP9ZhJa5LaUxzHg+tsNQFkgkrANXw=";
inline constexpr char PUBLIC_KEY_OF_IT[] = "68TJ5ixst1YupPgxAFv13kfw+Z+LB+BhNB2f508W8zU=";
inline constexpr char PEER_A[] = "tz1BJLS3c/yDXq/YH21o4vJ5sv1XKNegpMF2e9fL60Y=";
inline constexpr char PEER_B[] = "4YJLQxMgqu5TKOv6Z0w1hHWyrgP8iAMIqfL83lS6u0M=";
inline constexpr char PRESHARED_KEY[] = "MGrFr4R47InX1R2Irw26J9NQMWCKpjDXHAfIUH8zcUw=";
inline constexpr char OTHER_KEY[] = "eJ/8sKiiZFQumljPfT4qNbaXr3gMIUEK7+Z4A8m1CWc=";

} // namespace wg::test
